"""Moments and waiting times in words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from bot.console.times import shown_moment, shown_wait

NOW = datetime(2026, 11, 21, 22, 30, tzinfo=timezone.utc)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-1, "net"), (0.9, "net"), (1, "1 min"), (59, "59 min"), (60, "1 uur"), (125, "2 uur 5 min"), (6000, "4 dagen")],
)
def test_a_wait_is_said_in_words(minutes: float, words: str) -> None:
    assert shown_wait(NOW - timedelta(minutes=minutes), NOW) == words


def test_a_moment_is_shown_in_local_time() -> None:
    assert shown_moment(NOW, NOW, AMSTERDAM) == "23:30"
    assert shown_moment(NOW + timedelta(hours=1), NOW, AMSTERDAM) == "zo 22 nov 00:30"
    assert shown_moment(datetime(2025, 7, 1, 10, 0, tzinfo=timezone.utc), NOW, AMSTERDAM) == "1 jul 2025 12:00"
