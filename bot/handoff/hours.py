"""When staff look at the queue, said honestly: now, today at nine, or on Monday."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")
OpeningHours = Mapping[int, "tuple[str, str] | None"]


def next_look(now: datetime, hours: OpeningHours, time_zone: str) -> str | None:
    """When somebody will look next, as words that complete "We kijken ...": `morgen om 9 uur`; None without hours.

    Args:
        now: an aware moment.
        hours: per weekday (0 is Monday) from and until, local time; None or absent on days without staff.
        time_zone: IANA name.
    """
    local = now.astimezone(ZoneInfo(time_zone))
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        span = hours.get(day.weekday())
        if not span:
            continue
        opens, closes = (time.fromisoformat(part) for part in span)
        if ahead == 0:
            if local.time() < opens:
                return f"vandaag om {_spoken(opens)}"
            if local.time() < closes:
                return f"vandaag voor {_spoken(closes)}"
            continue
        return f"{'morgen' if ahead == 1 else 'op ' + DAYS[day.weekday()]} om {_spoken(opens)}"
    return None


def _spoken(moment: time) -> str:
    return f"{moment.hour} uur" if moment.minute == 0 else f"{moment.hour}.{moment.minute:02} uur"
