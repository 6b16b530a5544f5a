"""A case, from alarm to closed: opened or raised by a reading or a request, claimed, answered, given back, closed.

Functions that take a connection run inside the caller's transaction. A claim is a conditional update: of two members of staff
who click at once, one gets the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from bot.handoff.texts import text
from bot.risk.reading import severity
from bot.storage.encryption import Cipher
from bot.storage.tables import case_events, cases, conversations, messages, outgoing, staff

OUTCOMES = {
    "helped": "Geholpen in het gesprek",
    "referred": "Verwezen naar hulp",
    "veilig_thuis": "Veilig Thuis ingeschakeld",
    "emergency": "112 of politie ingeschakeld",
    "false_alarm": "Geen gevaar (vals alarm)",
    "no_contact": "Geen contact meer gekregen",
    "test": "Test of proefgesprek",
}
# Channels whose messages are sent by a worker; the others fetch theirs.
PUSHED_CHANNELS = frozenset({"telegram"})


class CaseError(ValueError):
    """The case is not in the state that the action needs; the message (Dutch) is for staff."""


@dataclass(frozen=True)
class Signal:
    """Why a human is needed. `reason`: risk, request, language or error; `level` and `category` as read."""

    reason: str
    level: str = "none"
    category: str | None = None


def open_or_raise(connection: Connection, conversation: str, signal: Signal, now: datetime) -> str | None:
    """Open a case for the conversation, or raise the one that is open.

    Returns:
        `opened`, `raised`, or None when nothing changed that staff should see.
    """
    open_case = connection.execute(
        select(cases).where(cases.c.conversation_id == conversation, cases.c.state != "closed")
    ).one_or_none()
    if open_case is None:
        opened = connection.execute(
            insert(cases).values(
                conversation_id=conversation,
                reason=signal.reason,
                level=signal.level,
                category=signal.category,
                state="waiting",
                opened_at=now,
                raised_at=now,
            )
        )
        _log(connection, opened.inserted_primary_key[0], None, "opened", signal.level, now)
        connection.execute(update(conversations).where(conversations.c.id == conversation).values(handoff="waiting"))
        return "opened"
    if signal.reason != "risk":
        return None
    higher = severity(signal.level) > severity(open_case.level)
    values: dict[str, Any] = {"raised_at": now}
    if higher:
        values |= {"level": signal.level, "category": signal.category, "reason": "risk"}
    connection.execute(update(cases).where(cases.c.id == open_case.id).values(values))
    _log(connection, open_case.id, None, "raised", signal.level, now)
    return "raised"


def claim(connection: Connection, case_id: int, staff_id: int, now: datetime) -> str:
    """Take a waiting case over and tell the person who is there; returns the conversation's id.

    Raises:
        CaseError: somebody else was first, or the case is closed.
    """
    changed = connection.execute(
        update(cases)
        .where(cases.c.id == case_id, cases.c.state == "waiting")
        .values(state="active", claimed_by=staff_id, claimed_at=now)
    )
    if changed.rowcount != 1:
        raise CaseError("Deze zaak is al door iemand overgenomen of gesloten.")
    conversation = _conversation_of(connection, case_id)
    connection.execute(update(conversations).where(conversations.c.id == conversation.id).values(handoff="active"))
    _log(connection, case_id, staff_id, "claimed", None, now)
    return str(conversation.id)


def take_over(connection: Connection, case_id: int, holder_id: int, staff_id: int, now: datetime) -> str:
    """Take an active case from the member of staff who has it; who may do so is the caller's to check.

    Args:
        connection: inside the caller's transaction.
        case_id: the case.
        holder_id: from whom it is taken; somebody else meanwhile is an error.
        staff_id: who has it from now on.
        now: an aware moment.

    Returns:
        The conversation's id.

    Raises:
        CaseError: this colleague does not have the case (any more), or it is taken from oneself.
    """
    changed = connection.execute(
        update(cases)
        .where(
            cases.c.id == case_id,
            cases.c.state == "active",
            cases.c.claimed_by == holder_id,
            cases.c.claimed_by != staff_id,
        )
        .values(claimed_by=staff_id, claimed_at=now)
    )
    if changed.rowcount != 1:
        raise CaseError("Deze collega heeft de zaak niet (meer). Kijk wie hem nu heeft.")
    conversation = _conversation_of(connection, case_id)
    _log(connection, case_id, staff_id, "taken_over", None, now)
    return str(conversation.id)


def release(connection: Connection, staff_id: int) -> None:
    """Let everything that a member of staff has wait for a human again (their account is closed)."""
    held = select(cases.c.conversation_id).where(cases.c.state == "active", cases.c.claimed_by == staff_id)
    connection.execute(update(conversations).where(conversations.c.id.in_(held)).values(handoff="waiting"))
    connection.execute(
        update(cases)
        .where(cases.c.state == "active", cases.c.claimed_by == staff_id)
        .values(state="waiting", claimed_by=None, claimed_at=None)
    )


def add_staff_message(
    connection: Connection, cipher: Cipher, case_id: int, staff_id: int, content: str, now: datetime
) -> str:
    """What staff typed, stored and queued for the person; returns the conversation's id.

    Raises:
        CaseError: the text is empty, or this member of staff does not have the case.
    """
    if not content.strip():
        raise CaseError("Typ eerst een bericht.")
    _require_claimed_by(connection, case_id, staff_id)
    conversation = _conversation_of(connection, case_id)
    add_message(connection, cipher, conversation.id, conversation.channel, "staff", content.strip(), now, staff_id)
    _log(connection, case_id, staff_id, "replied", None, now)
    return str(conversation.id)


def give_back(connection: Connection, case_id: int, staff_id: int, now: datetime) -> str:
    """Give the conversation back to the bot without closing the case's story: the case is closed as helped in chat.

    Raises:
        CaseError: this member of staff does not have the case.
    """
    return _end(connection, case_id, staff_id, "given_back", "helped", None, "none", now)


def close(
    connection: Connection, cipher: Cipher, case_id: int, staff_id: int, outcome: str, note: str, now: datetime
) -> str:
    """Close a case with an outcome; resets what the conversation remembers of risk.

    Raises:
        CaseError: the outcome is not one of OUTCOMES, or this member of staff does not have the case.
    """
    if outcome not in OUTCOMES:
        raise CaseError("Kies hoe de zaak is afgelopen.")
    sealed = cipher.encrypt(note.strip(), "case note") if note.strip() else None
    return _end(connection, case_id, staff_id, "closed", outcome, sealed, "closed", now)


def _end(
    connection: Connection,
    case_id: int,
    staff_id: int,
    kind: str,
    outcome: str,
    note: bytes | None,
    handoff: str,
    now: datetime,
) -> str:
    _require_claimed_by(connection, case_id, staff_id)
    conversation = _conversation_of(connection, case_id)
    connection.execute(
        update(cases)
        .where(cases.c.id == case_id)
        .values(state="closed", closed_by=staff_id, closed_at=now, outcome=outcome, note=note)
    )
    _log(connection, case_id, staff_id, kind, None, now)
    connection.execute(
        update(conversations).where(conversations.c.id == conversation.id).values(handoff=handoff, risk_memory=None)
    )
    return str(conversation.id)


def erase_if_asked(connection: Connection, conversation: str) -> bool:
    """Erase a conversation whose person asked for it and that no open case or unsent message needs any more."""
    row = connection.execute(
        select(conversations.c.id).where(
            conversations.c.id == conversation,
            conversations.c.erase_requested,
            ~select(cases.c.id).where(cases.c.conversation_id == conversation, cases.c.state != "closed").exists(),
            ~select(outgoing.c.id)
            .where(outgoing.c.conversation_id == conversation, outgoing.c.state == "pending")
            .exists(),
        )
    ).one_or_none()
    if row is None:
        return False
    connection.execute(delete(conversations).where(conversations.c.id == conversation))
    return True


def add_message(
    connection: Connection,
    cipher: Cipher,
    conversation: str,
    channel: str,
    author: str,
    content: str,
    now: datetime,
    staff_id: int | None = None,
    choices: list[dict[str, str]] | None = None,
) -> int:
    """Store a message to the person; on channels that push, queue it for sending. Returns the message's id."""
    message_id: int = connection.execute(
        insert(messages).values(
            conversation_id=conversation,
            author=author,
            staff_id=staff_id,
            text=cipher.encrypt(content, "message"),
            buttons=cipher.encrypt_json(choices, "buttons") if choices else None,
            created_at=now,
        )
    ).inserted_primary_key[0]
    if channel in PUSHED_CHANNELS:
        connection.execute(
            insert(outgoing).values(
                conversation_id=conversation, message_id=message_id, channel=channel, next_attempt_at=now
            )
        )
    return message_id


def tell(connection: Connection, cipher: Cipher, conversation: str, name: str, now: datetime, /, **values: str) -> None:
    """Send the person one of the handoff texts (`config/texts/`), in the words of their audience."""
    row = connection.execute(select(conversations).where(conversations.c.id == conversation)).one()
    add_message(connection, cipher, conversation, row.channel, "system", text(name, row.audience, **values), now)


def is_staff_present(connection: Connection, now: datetime, present_seconds: float) -> bool:
    """Whether a member of staff who is available gave a sign of life just now."""
    since = now - timedelta(seconds=present_seconds)
    found = connection.execute(
        select(staff.c.id).where(staff.c.active, staff.c.available, staff.c.last_seen_at >= since).limit(1)
    ).first()
    return found is not None


@dataclass(frozen=True)
class QueueEntry:
    """One open case, as the console's list shows it; times are UTC."""

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
    claimed_by: str | None


def queue(connection: Connection) -> list[QueueEntry]:
    """Open cases: waiting before active, the most severe first, then the longest waiting."""
    rank = case({"acute": 0, "high": 1, "concern": 2}, value=cases.c.level, else_=3)
    rows = connection.execute(
        select(cases, conversations.c.channel, conversations.c.audience, staff.c.name.label("staff_name"))
        .join(conversations, conversations.c.id == cases.c.conversation_id)
        .outerjoin(staff, staff.c.id == cases.c.claimed_by)
        .where(cases.c.state != "closed")
        .order_by(case({"waiting": 0}, value=cases.c.state, else_=1), rank, cases.c.opened_at)
    )
    return [
        QueueEntry(
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
            claimed_by=row.staff_name,
        )
        for row in rows
    ]


def waiting_count(connection: Connection) -> int:
    """How many cases wait for a human."""
    return int(
        connection.execute(select(func.count()).select_from(cases).where(cases.c.state == "waiting")).scalar_one()
    )


def _conversation_of(connection: Connection, case_id: int) -> Any:
    row = connection.execute(
        select(conversations).join(cases, cases.c.conversation_id == conversations.c.id).where(cases.c.id == case_id)
    ).one_or_none()
    if row is None:
        raise CaseError("Deze zaak bestaat niet (meer).")
    return row


def _require_claimed_by(connection: Connection, case_id: int, staff_id: int) -> None:
    found = connection.execute(
        select(cases.c.id).where(and_(cases.c.id == case_id, cases.c.state == "active", cases.c.claimed_by == staff_id))
    ).one_or_none()
    if found is None:
        raise CaseError("Je hebt deze zaak niet (meer). Neem hem eerst over.")


def _log(
    connection: Connection, case_id: int, staff_id: int | None, kind: str, level: str | None, now: datetime
) -> None:
    connection.execute(
        insert(case_events).values(case_id=case_id, staff_id=staff_id, kind=kind, level=level, created_at=now)
    )
