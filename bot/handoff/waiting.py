"""What a person hears when their case waits: somebody is there, or honestly that nobody is, and when somebody will look."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.handoff import cases
from bot.handoff.hours import next_look
from bot.handoff.texts import text
from bot.settings import Settings


def waiting_text(connection: Connection, settings: Settings, audience: str | None, now: datetime) -> str:
    """One text, chosen by who is on the console now and by the opening hours."""
    if cases.is_staff_present(connection, now, settings.staff_present_seconds):
        return text("handoff_waiting_present", audience)
    when = next_look(now, settings.opening_hours, settings.time_zone)
    if when is None:
        return text("handoff_waiting_away_unknown", audience)
    return text("handoff_waiting_away", audience, when=when)
