"""Questions that lean on what was answered before: "en hoeveel kost dat?" after an answer about mediation."""

from __future__ import annotations

import re
from typing import Any

from bot.directory.titles import topic_title
from bot.language.questions import asks

LONGEST_WORDS = 8
# Above this confidence a message is understood by itself.
CLEAR = 0.75
# From this confidence on the question together with its subject is answered.
SURE = 0.45

_LEANS = re.compile(
    r"^\W*(?:en|maar|oke maar|ok maar|ja maar)\b"
    r"|\b(?:dat|dit|die|deze|daar|daarvan|daarvoor|daarmee|daarbij|ervan|ervoor|zoiets|zo'n|zon)\b",
    re.IGNORECASE,
)


def leans_on_the_last_answer(text: str, confidence: float) -> bool:
    """Whether a short question points back instead of naming its subject."""
    words = text.split()
    return 0 < len(words) <= LONGEST_WORDS and confidence < CLEAR and bool(_LEANS.search(text)) and asks(text)


def last_topic(state: list[dict[str, Any]] | None) -> str | None:
    """The topic that was answered last, from the dialogue's stored state."""
    values = [one["value"] for one in state or () if one.get("event") == "slot" and one.get("name") == "last_topic"]
    return values[-1] if values else None


def with_subject(text: str, topic: str, audience: str | None) -> str:
    """The question with the subject of the last answer before it, as it is parsed again."""
    return f"{topic_title(topic, audience)}: {text}"
