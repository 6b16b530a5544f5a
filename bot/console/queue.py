"""The queue: who waits for a human, who is being helped, and what was closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.engine import Connection
from starlette.responses import Response

from bot.console.visits import Visit
from bot.handoff import cases
from bot.handoff.cases import QueueEntry
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, staff

SHOWN_CLOSED = 50
TABS = {"wachtend": "Wachtend", "gesprek": "In gesprek", "gesloten": "Gesloten"}


@dataclass(frozen=True)
class ClosedEntry:
    """One closed case in the list; times are UTC."""

    id: int
    channel: str
    audience: str | None
    reason: str
    level: str
    category: str | None
    outcome: str | None
    closed_by: str | None
    closed_at: datetime


def queue_page(visit: Visit) -> Response:
    """The list; `?tab=` chooses waiting, in conversation or closed."""
    tab = visit.request.query_params.get("tab", "wachtend")
    tab = tab if tab in TABS else "wachtend"
    with visit.console.database.reading() as connection:
        entries = cases.queue(connection)
        closed = closed_cases(connection) if tab == "gesloten" else []
    by_state = {
        "wachtend": [entry for entry in entries if entry.state == "waiting"],
        "gesprek": [entry for entry in entries if entry.state == "active"],
    }
    return visit.render(
        "queue.html",
        tab=tab,
        tabs=TABS,
        counts={name: len(found) for name, found in by_state.items()},
        entries=by_state.get(tab, []),
        closed=closed,
        acute=_acute(by_state["wachtend"]),
        done=visit.request.query_params.get("klaar"),
    )


def closed_cases(connection: Connection, limit: int = SHOWN_CLOSED) -> list[ClosedEntry]:
    """The cases that were closed last, the newest first."""
    rows = connection.execute(
        select(case_table, conversations.c.channel, conversations.c.audience, staff.c.name.label("staff_name"))
        .join(conversations, conversations.c.id == case_table.c.conversation_id)
        .outerjoin(staff, staff.c.id == case_table.c.closed_by)
        .where(case_table.c.state == "closed")
        .order_by(case_table.c.closed_at.desc(), case_table.c.id.desc())
        .limit(limit)
    )
    return [
        ClosedEntry(
            id=row.id,
            channel=row.channel,
            audience=row.audience,
            reason=row.reason,
            level=row.level,
            category=row.category,
            outcome=row.outcome,
            closed_by=row.staff_name,
            closed_at=row.closed_at,
        )
        for row in rows
    ]


def _acute(waiting: Sequence[QueueEntry]) -> str:
    """The acute cases that wait, for the script that sounds when one comes or is raised again."""
    return " ".join(f"{entry.id}@{entry.raised_at:%H%M%S}" for entry in waiting if entry.level == "acute")
