"""One case: what was said and read, and what staff do with it. Every action is one transaction, then notifications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console.conversations import fingerprint
from bot.console.transcript import SHOWN_MESSAGES, read_transcript
from bot.console.visits import BASE, Visit, row_id
from bot.handoff import cases
from bot.handoff.cases import OUTCOMES, CaseError
from bot.storage.encryption import Cipher
from bot.storage.tables import case_events, conversations, staff
from bot.storage.tables import cases as case_table

MAXIMUM_REPLY_LENGTH = 4000
MAXIMUM_NOTE_LENGTH = 4000

Action = Callable[[Connection, int, datetime], str]


@dataclass(frozen=True)
class Case:
    """A case with its conversation; times are UTC."""

    id: int
    conversation: str
    channel: str
    audience: str | None
    reason: str
    level: str
    category: str | None
    state: str
    opened_at: datetime
    raised_at: datetime
    claimed_by: int | None
    claimed_name: str | None
    outcome: str | None
    note: str | None
    erase_requested: bool


@dataclass(frozen=True)
class CaseEvent:
    """One line of a case's history."""

    kind: str
    level: str | None
    name: str | None
    created_at: datetime


def case_page(visit: Visit) -> Response:
    """The case, its transcript and what the visitor may do."""
    return _shown(visit)


def claim(visit: Visit) -> Response:
    """Take a waiting case; the person is told who is there."""

    def action(connection: Connection, case_id: int, now: datetime) -> str:
        try:
            conversation = cases.claim(connection, case_id, visit.who.staff_id, now)
        except CaseError:
            raise CaseError(_why_not_claimed(connection, visit, case_id)) from None
        _tell_joined(connection, visit, conversation, now)
        return conversation

    return _act(visit, action, anchor="#einde")


def take_over(visit: Visit) -> Response:
    """An administrator takes a case from a colleague; the person is told who is there now."""
    if not visit.who.is_administrator:
        raise HTTPException(403)

    def action(connection: Connection, case_id: int, now: datetime) -> str:
        holder = row_id(visit.form.get("from", ""))
        conversation = cases.take_over(connection, case_id, holder, visit.who.staff_id, now)
        _tell_joined(connection, visit, conversation, now)
        return conversation

    return _act(visit, action, anchor="#einde")


def reply(visit: Visit) -> Response:
    """Send what was typed to the person."""

    def action(connection: Connection, case_id: int, now: datetime) -> str:
        content = visit.form.get("text", "")
        if len(content) > MAXIMUM_REPLY_LENGTH:
            raise CaseError(f"Dit bericht is te lang: hoogstens {MAXIMUM_REPLY_LENGTH} tekens.")
        return cases.add_staff_message(connection, visit.console.cipher, case_id, visit.who.staff_id, content, now)

    return _act(visit, action, anchor="#einde")


def give_back(visit: Visit) -> Response:
    """Let the bot go on; the person is told."""

    def action(connection: Connection, case_id: int, now: datetime) -> str:
        conversation = cases.give_back(connection, case_id, visit.who.staff_id, now)
        cases.tell(connection, visit.console.cipher, conversation, "handoff_given_back", now)
        cases.erase_if_asked(connection, conversation)
        return conversation

    return _act(visit, action, to=f"{BASE}/?klaar=terug")


def close(visit: Visit) -> Response:
    """Close the case with an outcome; the person is told."""

    def action(connection: Connection, case_id: int, now: datetime) -> str:
        cipher, form = visit.console.cipher, visit.form
        note = form.get("note", "")
        if len(note) > MAXIMUM_NOTE_LENGTH:
            raise CaseError(f"De notitie is te lang: hoogstens {MAXIMUM_NOTE_LENGTH} tekens.")
        conversation = cases.close(connection, cipher, case_id, visit.who.staff_id, form.get("outcome", ""), note, now)
        cases.tell(connection, cipher, conversation, "handoff_closed", now)
        cases.erase_if_asked(connection, conversation)
        return conversation

    return _act(visit, action, to=f"{BASE}/?klaar=gesloten")


def find_case(connection: Connection, cipher: Cipher, case_id: int) -> Case | None:
    """The case, or None when it does not exist (any more)."""
    row = connection.execute(
        select(
            case_table,
            conversations.c.channel,
            conversations.c.audience,
            conversations.c.erase_requested,
            staff.c.name.label("staff_name"),
        )
        .join(conversations, conversations.c.id == case_table.c.conversation_id)
        .outerjoin(staff, staff.c.id == case_table.c.claimed_by)
        .where(case_table.c.id == case_id)
    ).one_or_none()
    if row is None:
        return None
    return Case(
        id=row.id,
        conversation=row.conversation_id,
        channel=row.channel,
        audience=row.audience,
        reason=row.reason,
        level=row.level,
        category=row.category,
        state=row.state,
        opened_at=row.opened_at,
        raised_at=row.raised_at,
        claimed_by=row.claimed_by,
        claimed_name=row.staff_name,
        outcome=row.outcome,
        note=cipher.decrypt(row.note, "case note") if row.note else None,
        erase_requested=row.erase_requested,
    )


def _act(visit: Visit, action: Action, to: str | None = None, anchor: str = "") -> Response:
    case_id = visit.number("case_id")
    try:
        with visit.console.database.transaction() as connection:
            conversation = action(connection, case_id, visit.console.now())
    except CaseError as error:
        return _shown(visit, 409, str(error))
    visit.console.notifications.notify("cases", f"conversation:{conversation}", "outgoing:telegram")
    return visit.go_to(to or f"{BASE}/cases/{case_id}{anchor}")


def _shown(visit: Visit, status: int = 200, error: str | None = None) -> Response:
    """The page; after a refusal with its reason and with what was typed."""
    cipher = visit.console.cipher
    wants_all = "alles" in visit.request.query_params
    with visit.console.database.reading() as connection:
        case = find_case(connection, cipher, visit.number("case_id"))
        if case is None:
            raise HTTPException(404)
        transcript = read_transcript(connection, cipher, case.conversation, None if wants_all else SHOWN_MESSAGES)
        events = _events(connection, case.id)
        earlier = _earlier_cases(connection, case)
    return visit.render(
        "case.html",
        status,
        case=case,
        is_mine=case.state == "active" and case.claimed_by == visit.who.staff_id,
        transcript=transcript,
        fingerprint=fingerprint(case.conversation),
        events=events,
        earlier=earlier,
        outcomes=OUTCOMES,
        error=error,
        typed=visit.form,
        maximum_reply=MAXIMUM_REPLY_LENGTH,
        maximum_note=MAXIMUM_NOTE_LENGTH,
    )


def _events(connection: Connection, case_id: int) -> list[CaseEvent]:
    rows = connection.execute(
        select(case_events, staff.c.name)
        .outerjoin(staff, staff.c.id == case_events.c.staff_id)
        .where(case_events.c.case_id == case_id)
        .order_by(case_events.c.id)
    )
    return [CaseEvent(row.kind, row.level, row.name, row.created_at) for row in rows]


def _earlier_cases(connection: Connection, case: Case) -> list[Any]:
    rows = connection.execute(
        select(case_table.c.id, case_table.c.level, case_table.c.category, case_table.c.reason, case_table.c.opened_at)
        .where(case_table.c.conversation_id == case.conversation, case_table.c.id != case.id)
        .order_by(case_table.c.id.desc())
        .limit(10)
    )
    return list(rows)


def _why_not_claimed(connection: Connection, visit: Visit, case_id: int) -> str:
    case = find_case(connection, visit.console.cipher, case_id)
    if case is None:
        return "Deze zaak bestaat niet meer."
    if case.state == "closed":
        return "Deze zaak is al gesloten."
    if case.claimed_by == visit.who.staff_id:
        return "Je hebt deze zaak al."
    return f"{case.claimed_name} was net eerder en heeft deze zaak nu."


def _tell_joined(connection: Connection, visit: Visit, conversation: str, now: datetime) -> None:
    cases.tell(connection, visit.console.cipher, conversation, "handoff_joined", now, name=visit.who.name)
