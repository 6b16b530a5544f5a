"""Memory over a conversation: what was read before, so that short answers, build-up and retractions are understood.

A message alone may say little ("ja elke dag", "12", "laat maar was een grapje"). The memory keeps the highest level since a
human last closed a case, the last few messages, and reads a new message together with them where that can matter. A message
that takes nothing back and adds nothing raises nothing: only a new reading does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.risk.reading import Part, RiskReading, severity

KEPT_MESSAGES = 4
KEPT_CHARACTERS = 600
SHORT_WORDS = 9
BUILD_UP = 3

_YES = re.compile(
    r"^\W*(?:j+a+h?|jep|yes|yep|klopt|soms|vaak|altijd|elke (?:dag|keer|nacht|week)|steeds|best (?:vaak|wel)|evet|tak|na3am|"
    r"een beetje|beetje|denk het|ik denk het|misschien|al lang|al een tijdje|vandaag|vanavond|nu|net)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"^\W*(?:n+e+e+[nh]?|nope|niet|nooit)\b", re.IGNORECASE)
# Categories in which a "yes" to the question that follows a sign makes it serious.
_ASKED_ABOUT = frozenset(
    {"suicide", "self_harm", "physical_abuse", "emotional_abuse", "sexual_abuse", "domestic_violence", "neglect"}
)


@dataclass(frozen=True)
class RiskMemory:
    """What a conversation remembers.

    Attributes:
        level, category: the highest reading so far.
        texts: the person's last messages, oldest first.
        concerns: how many messages in a row of the conversation were read as concern, per category.
        yes_answers: affirmations since the last sign.
    """

    level: str = "none"
    category: str | None = None
    texts: tuple[str, ...] = ()
    concerns: dict[str, int] = field(default_factory=dict)
    yes_answers: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON values for the conversation's encrypted column."""
        return {
            "level": self.level,
            "category": self.category,
            "texts": list(self.texts),
            "concerns": self.concerns,
            "yes_answers": self.yes_answers,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any] | None) -> RiskMemory:
        """The memory that `as_dict` gave; an empty one for None."""
        if not value:
            return cls()
        return cls(value["level"], value["category"], tuple(value["texts"]), value["concerns"], value["yes_answers"])


def observe(
    memory: RiskMemory, text: str, reading: RiskReading, read: Callable[[str], RiskReading]
) -> tuple[RiskMemory, RiskReading]:
    """Take up a new message.

    Args:
        memory: what was remembered before it.
        text: the message as typed.
        reading: what the reader found in the message alone.
        read: reads any text; used for the message together with those before it.

    Returns:
        The new memory, and the reading of this message in its conversation: higher than `reading` where the conversation
        raises it. Its level is what is *new*; the conversation's level is in the memory.
    """
    found = reading
    if not reading.needs_human:
        for part in (
            _answered(memory, text, reading),
            _together(memory, text, reading, read),
            _built_up(memory, reading),
        ):
            if part is not None and severity(part.level) > found.severity:
                found = RiskReading(part.level, part.category, part.score, part.spans, (*reading.parts, part))
    return _remembered(memory, text, found), found


def _answered(memory: RiskMemory, text: str, reading: RiskReading) -> Part | None:
    """A yes, or a detail after a yes, to what the bot asked about a sign."""
    if memory.category not in _ASKED_ABOUT or memory.level == "none" or not _YES.match(text) or len(text.split()) > 14:
        return None
    if memory.level == "concern":
        return Part("memory:answer", "high", memory.category, 0.7, ((0, len(text)),))
    if memory.category == "suicide" and memory.yes_answers >= 1 and memory.level == "high":
        # Thoughts, then a yes to a plan: read as a plan.
        return Part("memory:answer", "acute", "suicide", 0.6, ((0, len(text)),))
    return None


def _together(memory: RiskMemory, text: str, reading: RiskReading, read: Callable[[str], RiskReading]) -> Part | None:
    """The message read together with those before it: a disclosure in pieces."""
    if not memory.texts or memory.level in ("high", "acute") or _NO.match(text):
        return None
    if not (len(text.split()) <= SHORT_WORDS or reading.level == "concern" or memory.level == "concern"):
        return None
    joined = read(" . ".join((*memory.texts, text)))
    if joined.severity <= max(reading.severity, severity(memory.level)):
        return None
    return Part("memory:together", joined.level, joined.category, joined.score, ((0, len(text)),))


def _built_up(memory: RiskMemory, reading: RiskReading) -> Part | None:
    """Several concerns of one kind in one conversation."""
    if reading.level != "concern" or reading.category is None:
        return None
    if memory.concerns.get(reading.category, 0) + 1 < BUILD_UP:
        return None
    return Part("memory:build-up", "high", reading.category, 0.6, reading.evidence)


def _remembered(memory: RiskMemory, text: str, found: RiskReading) -> RiskMemory:
    concerns = dict(memory.concerns)
    if found.level == "concern" and found.category:
        concerns[found.category] = concerns.get(found.category, 0) + 1
    yes_answers = memory.yes_answers + 1 if _YES.match(text) and memory.level != "none" else memory.yes_answers
    new = replace(
        memory,
        texts=(*memory.texts, text[:KEPT_CHARACTERS])[-KEPT_MESSAGES:],
        concerns=concerns,
        yes_answers=yes_answers,
    )
    if found.severity > severity(memory.level):
        new = replace(new, level=found.level, category=found.category)
    return new
