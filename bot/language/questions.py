"""Several things in one message: its parts, and which of them ask something.

"mijn ouders gaan scheiden en waar moet onze hond heen" tells one thing and asks another; "hoe lang duurt het en wat kost dat"
asks two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.language.classifier import Ranked

MAXIMUM_PARTS = 6
SHORTEST_WORDS = 3
# How sure the reading of a part must be before it is answered beside another; chosen on the development data.
SURE = 0.6
# Intents that are no question about a subject: they never stand beside one.
_NOT_BESIDE = frozenset(
    {
        "greet", "goodbye", "thank", "affirm", "deny", "help", "bot_challenge", "smalltalk", "request_human", "inform",
        "change_language", "delete_data", "start_over", "repeat", "feedback_negative", "insult", "out_of_scope",
        "gevoel_verdrietig", "gevoel_boos", "gevoel_bang", "gevoel_alleen", "gevoel_schuldig", "gevoel_gestrest",
    }
)  # fmt: skip

_ASKING = (
    r"(?:wat|waar|waarom|wanneer|wie|welke?|hoe|hoeveel|mag|mogen|kan|kun|kunnen|moet|moeten|is|zijn|heb|hebben|heeft|krijg|krijgen|"
    r"krijgt|bestaat|gaat|gaan|wordt|worden|komt|doet|helpt|zal|zullen|ben|blijf|blijven|blijft)"
)
# A border begins where spaces begin, or after a new line: tried from each of thousands of spaces, it took seconds.
_BORDER = re.compile(
    r"(?<=[.!?])\s+|\n+|(?:[,;]|(?<![^\S\n]))\s+(?:en|maar|of|ook|en ook|en dan|verder|daarnaast|plus)\s+"
    r"(?=(?:ook\s+|nog\s+|dan\s+)?" + _ASKING + r"\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\?|^\W*(?:en\s+|maar\s+|ook\s+|nog\s+|dan\s+)*" + _ASKING + r"\b", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A part of a message that asks something, with its likeliest intent."""

    text: str
    intent: Ranked


def parts_of(text: str) -> list[str]:
    """The sentences of a text, also cut before "en waar ...", "en mag ..." and the like."""
    parts = [part.strip(" ,;") for part in _BORDER.split(text)]
    return [part for part in parts if len(part.split()) >= SHORTEST_WORDS]


def asks(part: str) -> bool:
    """Whether a part of a message is a question by its form."""
    return bool(_QUESTION.search(part))


def questions_of(text: str, rank: Callable[[str], Sequence[Ranked]]) -> list[Question]:
    """The different subjects that a message asks about, in its order; empty when it asks at most one thing.

    Args:
        text: as typed.
        rank: gives the ranked intents of a part; called for the parts of messages with several questions only.
    """
    asked = [part for part in parts_of(text) if asks(part)]
    if not 2 <= len(asked) <= MAXIMUM_PARTS:
        return []
    found: dict[str, Question] = {}
    for part in asked:
        best = rank(part)[0]
        if best.confidence >= SURE and best.name not in _NOT_BESIDE:
            found.setdefault(best.name, Question(part, best))
    return list(found.values()) if len(found) > 1 else []
