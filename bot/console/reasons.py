"""Why a message was read as it was: each part that fired, on which words, how sure it was, and what changed its level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.risk.reading import Part, RiskReading

# What stands around the words, or the rest of the message, makes it lighter; every other effect makes it graver.
LOWERING_EFFECTS = frozenset({"no-longer", "past", "hypothetical", "dream", "among-children", "doubted", "context"})


@dataclass(frozen=True)
class Reason:
    """What one part of the reader found.

    Attributes:
        name: the part and its rule, such as `pattern:suicide/dood-willen`, without what changed it.
        level, category: as this part read them.
        score: 0-1, how sure this part is.
        words: on which it fired; empty when it points at the message as a whole.
        lowered, raised: names of what changed its level.
    """

    name: str
    level: str
    category: str | None
    score: float
    words: tuple[str, ...]
    lowered: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()


def reasons_of(risk: RiskReading, text: str) -> Iterator[Reason]:
    """The parts of a reading that found something.

    Args:
        risk: the reading of one message.
        text: of the message, as long as it was typed.
    """
    for part in risk.parts:
        if part.level != "none":
            yield _reason(part, text)


def _reason(part: Part, text: str) -> Reason:
    name, *effects = part.name.split(">")
    return Reason(
        name,
        part.level,
        part.category,
        part.score,
        tuple(text[start:end] for start, end in part.spans if start < end and (start, end) != (0, len(text))),
        tuple(effect for effect in effects if effect in LOWERING_EFFECTS),
        tuple(effect for effect in effects if effect not in LOWERING_EFFECTS),
    )
