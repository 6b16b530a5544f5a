"""Short names of topics for buttons, in words that the audience understands (`config/topic_titles.yml`)."""

from __future__ import annotations

import functools
from pathlib import Path

from bot.directory.facts import read_yaml

TITLES_FILE = Path(__file__).resolve().parents[2] / "config" / "topic_titles.yml"

# They have a title, as they are offered as buttons too.
NO_TOPICS = frozenset({"find_service", "request_human", "help"})


@functools.lru_cache(maxsize=1)
def _titles() -> dict[str, dict[str, str]]:
    return {name: entry for name, entry in read_yaml(TITLES_FILE).items()}


def is_topic(intent: str) -> bool:
    """Whether an intent is a topic or a feeling, which has an answer of its own."""
    return intent in _titles() and intent not in NO_TOPICS


def topic_title(intent: str, audience: str | None) -> str:
    """The title of a topic: for children, teens and unknown people in young words, else in adult ones."""
    words = "adult" if audience in ("parent", "professional") else "young"
    entry = _titles().get(intent)
    return entry[words] if entry else intent.replace("_", " ").capitalize()
