"""Moments and waiting times as the console shows them (Dutch, local time)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

_DAYS = ("ma", "di", "wo", "do", "vr", "za", "zo")
_MONTHS = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")


def shown_moment(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`14:03` today, `za 21 nov 14:03` this year, `21 nov 2025 14:03` before."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    clock = f"{local:%H:%M}"
    if local.date() == today.date():
        return clock
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    if local.year == today.year:
        return f"{_DAYS[local.weekday()]} {day} {clock}"
    return f"{day} {local.year} {clock}"


def shown_wait(since: datetime, now: datetime) -> str:
    """`net`, `3 min`, `2 uur 5 min`, `4 dagen`; console.js counts on with the same words."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 1:
        return "net"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} uur {minutes} min" if minutes else f"{hours} uur"
    return f"{hours // 24} dagen"
