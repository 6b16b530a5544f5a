"""What was read: a level, a category, how sure, on which words, and by which part of the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LEVELS = ("none", "concern", "high", "acute")
CATEGORIES = (
    "suicide",
    "self_harm",
    "physical_abuse",
    "emotional_abuse",
    "sexual_abuse",
    "neglect",
    "domestic_violence",
    "threat_to_life",
    "abduction",
    "runaway",
    "honour_violence",
    "stalking",
    "harm_to_others",
)

Span = tuple[int, int]
# Parts that read a message as a whole.
WHOLE_MESSAGE_PARTS = frozenset({"classifier", "classifier>context"})


def severity(level: str) -> int:
    """0 for none to 3 for acute."""
    return LEVELS.index(level)


@dataclass(frozen=True)
class Part:
    """What one part of the reader found.

    Attributes:
        name: the part and its rule, such as `pattern:suicide/wish-to-die`, `classifier` or `memory:answer`.
        level: one of LEVELS.
        category: one of CATEGORIES, or None at level none.
        score: 0-1, how sure this part is.
        spans: the words it fired on, in code points of the text as given.
    """

    name: str
    level: str
    category: str | None
    score: float
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class RiskReading:
    """The reading of one message. `category` is None exactly at level none."""

    level: str = "none"
    category: str | None = None
    score: float = 0.0
    evidence: tuple[Span, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def severity(self) -> int:
        """0 for none to 3 for acute."""
        return severity(self.level)

    @property
    def needs_human(self) -> bool:
        """Whether a human has to take over: high or acute."""
        return self.severity >= severity("high")

    def as_dict(self) -> dict[str, Any]:
        """JSON values, as in a message's parse."""
        return {
            "level": self.level,
            "category": self.category,
            "score": round(self.score, 4),
            "evidence": [list(span) for span in self.evidence],
            "parts": [
                {
                    "name": part.name,
                    "level": part.level,
                    "category": part.category,
                    "score": round(part.score, 4),
                    "spans": [list(span) for span in part.spans],
                }
                for part in self.parts
            ],
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any] | None) -> RiskReading:
        """The reading that `as_dict` gave; level none for None."""
        if not value:
            return cls()
        return cls(
            level=value["level"],
            category=value["category"],
            score=value["score"],
            evidence=tuple((start, end) for start, end in value["evidence"]),
            parts=tuple(
                Part(
                    part["name"],
                    part["level"],
                    part["category"],
                    part["score"],
                    tuple((start, end) for start, end in part["spans"]),
                )
                for part in value.get("parts", ())
            ),
        )


def combine(parts: Iterable[Part]) -> RiskReading:
    """The reading that several parts amount to: the highest level, of the surest part there; all evidence at that level."""
    found = [part for part in parts if part.level != "none"]
    if not found:
        return RiskReading(parts=tuple(parts))
    top = max(found, key=lambda part: (severity(part.level), part.score))
    # A part that points at words says more than one that can only point at the whole message.
    pointing = [part for part in found if part.name not in WHOLE_MESSAGE_PARTS and part.spans] or found
    evidence = sorted({span for part in pointing for span in part.spans})
    return RiskReading(top.level, top.category, top.score, tuple(_merged(evidence)), tuple(found))


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
