"""Whether a member of staff is there for people who wait."""

from __future__ import annotations

from sqlalchemy import update
from starlette.responses import Response

from bot.console.visits import Visit, safe_address
from bot.storage.tables import staff


def set_available(visit: Visit) -> Response:
    """The switch `Ik ben beschikbaar`."""
    with visit.console.database.transaction() as connection:
        connection.execute(
            update(staff)
            .where(staff.c.id == visit.who.staff_id)
            .values(available=visit.form.get("available") == "1", last_seen_at=visit.console.now())
        )
    return visit.go_to(safe_address(visit.form.get("next", "")))
