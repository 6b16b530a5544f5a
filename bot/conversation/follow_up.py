"""Messages that lean on what went before: "die eerste", "en in Zwolle?", "nee ik bedoel mijn vader", "en wat kost dat?".

Danger is read in the typed text before anything here looks at it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Protocol

from bot.conversation.choices import CLEAR, by_title, chosen
from bot.conversation.corrections import CorrectedPerson, Correction, corrected_person, read_correction
from bot.conversation.messages import Reply
from bot.directory.titles import is_topic, topic_title
from bot.language.questions import asks

LONGEST_WORDS = 8
# No message of more words leans on what went before.
LONGEST_LEANING_WORDS = 14
# From this confidence on the question together with its subject is answered.
SURE = 0.45
# From this confidence on (likelier than all else together) what follows a bare "nee" is taken for what was meant.
LIKELY = 0.5

State = list[dict[str, Any]]

_LEANS = re.compile(
    r"^\W*(?:en|maar|oke maar|ok maar|ja maar)\b"
    r"|\b(?:dat|dit|die|deze|daar|daarvan|daarvoor|daarmee|daarbij|ervan|ervoor|zoiets|zo'n|zon)\b",
    re.IGNORECASE,
)
# Words beside a place that ask nothing but "and there?".
_WORDS_BESIDE_A_PLACE = (
    "en in bij te rond rondom omgeving regio buurt gemeente van vanuit uit dan of nee neen nou eh maar ook hier ja oke ok "
    "is er dat iets zoiets hulp hebben ze jullie kan wat hoe zit het met voor vlakbij liever toch bedoel bedoelde ik "
    "sorry de stad dorp die dit daar zijn"
)
_BESIDE_A_PLACE = frozenset(_WORDS_BESIDE_A_PLACE.split())
_PREPOSITIONS = frozenset(
    {"in", "bij", "te", "rond", "rondom", "omgeving", "regio", "buurt", "gemeente", "vanuit", "uit", "voor"}
)
_DENIED = frozenset({"deny", "feedback_negative", "nlu_fallback", "inform"})


class Parser(Protocol):
    """What is needed of Rasa here: to read a text, and a button's payload."""

    async def parse(self, text: str, timeout_seconds: float) -> dict[str, Any]:
        """What is understood of a typed text."""

    async def parse_payload(self, payload: str, timeout_seconds: float) -> dict[str, Any]:
        """What a button of the bot's own means."""


class FollowUps:
    """Understands a message together with the bot's last turn.

    Args:
        parser: reads texts and payloads.
        offered: gives the replies of the bot's last turn in a conversation, with payloads in their buttons.
        timeout_seconds: for each reading.
    """

    def __init__(self, parser: Parser, offered: Callable[[str], list[Reply]], timeout_seconds: float) -> None:
        self._parser = parser
        self._offered = offered
        self._timeout = timeout_seconds

    async def understand(
        self, parsed: dict[str, Any], text: str, conversation: str, state: State | None, audience: str | None
    ) -> dict[str, Any]:
        """The parse of the message as it is meant here; the given one when it stands by itself.

        Args:
            parsed: the message as read by itself; not changed.
            text: as typed.
            conversation: its id.
            state: the dialogue's stored state.
            audience: who is talking, where that is known.

        Raises:
            DialogueFailed: a reading failed or was late.
        """
        if state is None or not 0 < len(text.split()) <= LONGEST_LEANING_WORDS:
            return parsed
        offers = await asyncio.to_thread(self._offered, conversation)
        button = chosen(text, offers, *_best(parsed))
        if button is not None:
            return await self._parser.parse_payload(button.payload, self._timeout)
        if names_only_a_place(parsed, text):
            return _with_intent(parsed, "inform")
        correction = read_correction(text)
        if correction is not None:
            corrected = await self._corrected(parsed, correction, offers, state)
            if corrected is not None:
                return corrected
        return await self._with_subject(parsed, text, state, audience)

    async def _corrected(
        self, parsed: dict[str, Any], correction: Correction, offers: list[Reply], state: State
    ) -> dict[str, Any] | None:
        """The message as the answer to its correction; None when it turns out to be none."""
        if not correction.is_clear and _best(parsed)[0] not in _DENIED:
            return None
        button = by_title(correction.rest, [one for reply in offers for one in reply.buttons], part_is_enough=True)
        if button is not None:
            return await self._parser.parse_payload(button.payload, self._timeout)
        rest = await self._parser.parse(correction.rest, self._timeout)
        person, again = corrected_person(correction.rest, rest.get("people") or []), answered_last(state)
        if person is not None and again is not None:
            return _for_person(parsed, person, again)
        intent, confidence = _best(rest)
        if is_topic(intent) and confidence >= (SURE if correction.is_clear else LIKELY):
            return rest | {"text": parsed.get("text"), "corrected": correction.is_clear}
        return None

    async def _with_subject(
        self, parsed: dict[str, Any], text: str, state: State, audience: str | None
    ) -> dict[str, Any]:
        """A short question that points back, understood together with the subject of the last answer."""
        topic = last_topic(state)
        if topic is None or not leans_on_the_last_answer(text, _best(parsed)[1]):
            return parsed
        together = await self._parser.parse(with_subject(text, topic, audience), self._timeout)
        best = (together.get("intent_ranking") or [{}])[0]
        if best.get("name") == "nlu_fallback" or float(best.get("confidence") or 0.0) < SURE:
            return parsed
        return parsed | {"intent": best, "intent_ranking": together["intent_ranking"]}


def leans_on_the_last_answer(text: str, confidence: float) -> bool:
    """Whether a short question points back instead of naming its subject."""
    words = text.split()
    return 0 < len(words) <= LONGEST_WORDS and confidence < CLEAR and bool(_LEANS.search(text)) and asks(text)


def names_only_a_place(parsed: dict[str, Any], text: str) -> bool:
    """Whether a text is a place with nothing beside it that says anything else: "en in Zwolle?", "nee, in Zwolle"."""
    places = [one for one in parsed.get("entities") or () if one["entity"] == "plaats"]
    if not places or not 1 < len(text.split()) <= LONGEST_WORDS:
        return False
    rest, has_capital = text, False
    for place in sorted(places, key=lambda one: -int(one["start"])):
        has_capital |= text[place["start"]].isupper()
        rest = rest[: place["start"]] + " " + rest[place["end"] :]
    words = re.findall(r"\w+", rest.lower())
    # "Best" and "Goes" are also ordinary words.
    return all(word in _BESIDE_A_PLACE for word in words) and (has_capital or bool(_PREPOSITIONS & set(words)))


def last_topic(state: State | None) -> str | None:
    """The topic that was answered last, from the dialogue's stored state."""
    values = [one["value"] for one in state or () if one.get("event") == "slot" and one.get("name") == "last_topic"]
    return values[-1] if values else None


def answered_last(state: State) -> str | None:
    """The intent whose answer a correction asks anew: a search for help when that was last, else the last topic."""
    users = [one for one in state if one.get("event") == "user"]
    last = (users[-1].get("parse_data") or {}) if users else {}
    intent = (last.get("intent") or {}).get("name")
    named_a_place = any(one.get("entity") == "plaats" for one in last.get("entities") or ())
    if intent == "find_service" or (intent == "inform" and named_a_place):
        return "find_service"
    return last_topic(state)


def with_subject(text: str, topic: str, audience: str | None) -> str:
    """The question with the subject of the last answer before it, as it is parsed again."""
    return f"{topic_title(topic, audience)}: {text}"


def _best(parsed: dict[str, Any]) -> tuple[str, float]:
    intent = parsed.get("intent") or {}
    return str(intent.get("name") or ""), float(intent.get("confidence") or 0.0)


def _with_intent(parsed: dict[str, Any], name: str) -> dict[str, Any]:
    """The same message, read as another intent; it asks one thing only."""
    intent = {"name": name, "confidence": 1.0}
    ranking = [one for one in parsed.get("intent_ranking") or () if one.get("name") != name]
    return parsed | {"intent": intent, "intent_ranking": [intent, *ranking], "questions": []}


def _for_person(parsed: dict[str, Any], person: CorrectedPerson, again: str) -> dict[str, Any]:
    more: dict[str, Any] = {"corrected": True, "help_for": person.help_for}
    if person.talking is not None:
        more["persona"] = {"audience": person.talking.audience, "certain": person.talking.certain}
    return _with_intent(parsed, again) | more
