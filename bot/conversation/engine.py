"""The one door: every message of every channel is understood and answered here.

The order is the safety of the project: the message is stored, the conversation leased, the text read (danger first), a
disclosure escalated whatever the dialogue does, the dialogue moved, and everything written in one short transaction. When
Rasa fails or is late, the risk is read directly and the answer is the safety text or an honest apology, and a human looks.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from bot.conversation.follow_up import FollowUps, Parser
from bot.conversation.messages import MAXIMUM_TEXT_LENGTH, Button, IncomingMessage, Outcome, Reply
from bot.conversation.rasa_agent import Answer, DialogueFailed
from bot.conversation.store import Changes, ConversationState, ConversationStore, LeaseLost, Received
from bot.handoff import texts
from bot.handoff.cases import Signal
from bot.handoff.safety import concern_texts, safety_texts
from bot.handoff.waiting import waiting_text
from bot.risk.memory import RiskMemory, observe
from bot.risk.reading import RiskReading
from bot.settings import Settings
from bot.storage.notifications import Notifications

logger = logging.getLogger(__name__)

LEASE_POLL_SECONDS = 0.05
ATTEMPTS = 3
KEPT_LOCKS = 10_000
# Of several questions in one message so many are answered; more would bury the reader.
MAXIMUM_ANSWERS = 2
# Languages that the dialogue answers in; in another one a language card is shown and staff are told.
READ_LANGUAGES = frozenset({"nl"})


class Dialogue(Parser, Protocol):
    """What the engine needs of Rasa; `bot.conversation.rasa_agent.RasaAgent` is the real one."""

    async def answer(
        self, conversation: str, parsed: dict[str, Any], state: list[dict[str, Any]] | None, timeout_seconds: float
    ) -> Answer:
        """The dialogue's answer to a parsed message."""


class Reader(Protocol):
    """What the engine needs of the risk reader; `bot.risk.reader.RiskReader` is the real one."""

    def read(self, text: str) -> RiskReading:
        """The reading of one text."""


@dataclass(frozen=True)
class _Understood:
    """A message as understood: the parse (None when Rasa failed), and the risk in its conversation."""

    parsed: dict[str, Any] | None
    reading: RiskReading
    memory: RiskMemory


class ConversationEngine:
    """Understands and answers messages.

    Args:
        store: the engine's reads and writes.
        dialogue: Rasa.
        reader: reads risk directly, for when Rasa does not.
        notifications: wakes the console and channels after a commit.
        settings: time-outs, hours.
    """

    def __init__(
        self,
        store: ConversationStore,
        dialogue: Dialogue,
        reader: Reader,
        notifications: Notifications,
        settings: Settings,
    ) -> None:
        self.store = store
        self._dialogue = dialogue
        self._reader = reader
        self._notifications = notifications
        self._settings = settings
        self._follow_ups = FollowUps(dialogue, store.offered, settings.rasa_timeout_seconds)
        self._locks: OrderedDict[str, asyncio.Lock] = OrderedDict()

    async def handle(self, message: IncomingMessage) -> Outcome:
        """Store, understand and answer one message; the same update id again gives the same outcome, handled once.

        Raises:
            UnknownConversation: there is no conversation with that id.
            UnknownButton: the pressed button is not one of this conversation.
        """
        message = replace(message, text=message.text[:MAXIMUM_TEXT_LENGTH])
        received = await asyncio.to_thread(self.store.receive, message, _now())
        if received.outcome is not None:
            return received.outcome
        async with self._lock(received.conversation):
            return await self._handle_alone(message, received)

    def _lock(self, conversation: str) -> asyncio.Lock:
        """Messages of one conversation wait for each other inside this process; between processes the lease decides."""
        lock = self._locks.setdefault(conversation, asyncio.Lock())
        self._locks.move_to_end(conversation)
        while len(self._locks) > KEPT_LOCKS and not next(iter(self._locks.values())).locked():
            self._locks.popitem(last=False)
        return lock

    async def _handle_alone(self, message: IncomingMessage, received: Received) -> Outcome:
        for attempt in range(1, ATTEMPTS + 1):
            owner = secrets.token_urlsafe(16)
            await self._lease(received.conversation, owner)
            try:
                # The same message twice at once: the second one finds the first one's outcome.
                known = await asyncio.to_thread(self.store.received, message)
                if known is not None and known.outcome is not None:
                    await asyncio.to_thread(self.store.release, received.conversation, owner)
                    return known.outcome
                return await self._handle_leased(message, received, owner)
            except LeaseLost:
                if attempt == ATTEMPTS:
                    raise
            except BaseException:
                await asyncio.to_thread(self.store.release, received.conversation, owner)
                raise
        raise AssertionError("unreachable")

    async def _lease(self, conversation: str, owner: str) -> None:
        deadline = time.monotonic() + self._settings.lease_seconds * 2
        while not await asyncio.to_thread(self.store.lease, conversation, owner, _now(), self._settings.lease_seconds):
            # Raises UnknownConversation when it was erased while this message waited.
            await asyncio.to_thread(self.store.load, conversation)
            if time.monotonic() > deadline:
                raise LeaseLost(conversation)
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _handle_leased(self, message: IncomingMessage, received: Received, owner: str) -> Outcome:
        state = await asyncio.to_thread(self.store.load, received.conversation)
        changes = await self._compute(message, state)
        outcome, queue_changed = await asyncio.to_thread(
            self.store.close, received, owner, changes, _now(), _WaitingTexts(self._settings)
        )
        topics = [f"conversation:{received.conversation}", f"outgoing:{message.channel}"]
        await asyncio.to_thread(self._notifications.notify, *topics, *(["cases"] if queue_changed else []))
        return outcome

    async def _compute(self, message: IncomingMessage, state: ConversationState) -> Changes:
        """Everything that the message changes; no transaction is held meanwhile."""
        changes = Changes(
            message=message,
            shown_text=message.text,
            tracker=state.tracker,
            risk_memory=state.risk_memory,
            audience=state.audience,
        )
        payload = None
        if message.button is not None:
            pressed = await asyncio.to_thread(self.store.pressed, state.id, message.button)
            changes.shown_text, payload = pressed.title, pressed.payload
        understood = await self._understand(message, payload, state)
        changes.reading = _shown_reading(understood)
        changes.risk_level = understood.reading.level
        changes.risk_memory = understood.memory.as_dict()
        if understood.reading.needs_human:
            changes.signal = Signal("risk", understood.reading.level, understood.reading.category)
        if state.handoff != "active":
            await self._answer(understood, state, changes)
        return changes

    async def _understand(self, message: IncomingMessage, payload: str | None, state: ConversationState) -> _Understood:
        memory = RiskMemory.from_dict(state.risk_memory)
        timeout = self._settings.rasa_timeout_seconds
        try:
            if payload is not None:
                parsed = await self._dialogue.parse_payload(payload, timeout)
                return _Understood(parsed, RiskReading(), memory)
            parsed = await self._dialogue.parse(message.text, timeout)
            alone = RiskReading.from_dict(parsed.get("risk"))
        except DialogueFailed as error:
            logger.error("reading a message with Rasa failed: %s", error)
            parsed, alone = None, await asyncio.to_thread(self._read_directly, message.text)
        memory, reading = await asyncio.to_thread(self._observe, memory, message.text, alone)
        if parsed is not None:
            if not reading.needs_human:
                parsed = await self._in_context(parsed, message.text, state)
            parsed = parsed | {"risk": reading.as_dict()}
        return _Understood(parsed, reading, memory)

    async def _in_context(self, parsed: dict[str, Any], text: str, state: ConversationState) -> dict[str, Any]:
        """The message as it is meant after the bot's last turn; as read by itself where that cannot be told."""
        if state.handoff == "active":
            return parsed
        try:
            return await self._follow_ups.understand(parsed, text, state.id, state.tracker, state.audience)
        except DialogueFailed as error:
            logger.error("reading a message in its context failed: %s", error)
            return parsed

    def _read_directly(self, text: str) -> RiskReading:
        try:
            return self._reader.read(text)
        except Exception as error:  # whatever fails in the reader, a human has to look
            logger.error("reading risk failed: %s", type(error).__name__)
            return RiskReading("high", "emotional_abuse", 0.0, ((0, len(text)),))

    def _observe(self, memory: RiskMemory, text: str, alone: RiskReading) -> tuple[RiskMemory, RiskReading]:
        try:
            return observe(memory, text, alone, self._reader.read)
        except Exception as error:
            logger.error("the memory of risk failed: %s", type(error).__name__)
            return memory, alone

    async def _answer(self, understood: _Understood, state: ConversationState, changes: Changes) -> None:
        """Fill in the replies, and what the dialogue asks the engine to do."""
        if state.is_new:
            changes.replies.append(_opening(state.channel))
        answer = await self._dialogue_answer(understood, state)
        if answer is None:
            changes.replies += self._answer_without_rasa(understood.reading, state)
            changes.signal = changes.signal or Signal("error")
            return
        changes.tracker = answer.state
        changes.audience = answer.slots.get("audience") or state.audience
        if understood.parsed and understood.parsed.get("corrected"):
            changes.replies.append(Reply(texts.text("corrected", changes.audience)))
        changes.replies += answer.replies
        if understood.reading.needs_human and not answer.replies:
            # A disclosure never goes without the safety text, whatever the dialogue did.
            changes.replies += self._answer_without_rasa(understood.reading, state)
        if understood.reading.level == "concern" and _is_time_to_offer(understood):
            changes.replies += _concern_replies(understood.reading, changes.audience)
        self._carry_out(answer.effects, state, changes)
        self._mind_the_language(understood, state, changes)

    async def _dialogue_answer(self, understood: _Understood, state: ConversationState) -> Answer | None:
        if understood.parsed is None:
            return None
        timeout = self._settings.rasa_timeout_seconds
        first, *others = _questions(understood.parsed)
        try:
            answer = await self._dialogue.answer(state.id, first, state.tracker, timeout)
            for parsed in others if _may_answer_more(understood, answer) else ():
                further = await self._dialogue.answer(state.id, parsed, answer.state, timeout)
                answer = Answer(
                    [*answer.replies, *further.replies],
                    [*answer.effects, *further.effects],
                    further.state,
                    further.slots,
                )
            return answer
        except DialogueFailed as error:
            logger.error("answering with Rasa failed: %s", error)
            return None

    def _answer_without_rasa(self, reading: RiskReading, state: ConversationState) -> list[Reply]:
        if reading.needs_human:
            return [Reply(text) for text in safety_texts(reading, state.audience)]
        return [Reply(texts.text("technical_problem", state.audience))]

    def _carry_out(self, effects: list[str], state: ConversationState, changes: Changes) -> None:
        for effect in effects:
            if effect == "request_human":
                changes.signal = changes.signal or Signal("request", RiskMemory.from_dict(changes.risk_memory).level)
            elif effect == "erase":
                waits = state.handoff in ("waiting", "active") or changes.signal is not None
                changes.replies.append(
                    Reply(texts.text("delete_after_case" if waits else "delete_done", changes.audience))
                )
                changes.erase = True
            else:
                raise DialogueFailed(f"an action asked for the unknown effect {effect!r}")

    def _mind_the_language(self, understood: _Understood, state: ConversationState, changes: Changes) -> None:
        """A message in a language that is not read: its help card, the offer of a human, and a mark for staff."""
        language = (understood.parsed or {}).get("language") or "nl"
        if language in READ_LANGUAGES:
            return
        name = f"language_card_{language}"
        card = name if texts.exists(name) else "language_card_other"
        buttons = tuple(Button(title, payload) for title, payload in texts.buttons(card, None))
        opening = [changes.replies[0]] if state.is_new else []
        safety = changes.replies[len(opening) :] if understood.reading.needs_human else []
        changes.replies = [*opening, Reply(texts.text(card, None), buttons), *safety]


class _WaitingTexts:
    """The store's view of what is said when a case waits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def waiting(self, connection: Connection, audience: str | None, is_new: bool, now: datetime) -> list[Reply]:
        """One reply, honest about who is there."""
        if not is_new:
            return [Reply(texts.text("handoff_already_waiting", audience))]
        return [Reply(waiting_text(connection, self._settings, audience, now))]


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _questions(parsed: dict[str, Any]) -> list[dict[str, Any]]:
    """The parsed message, once for each thing that it asks, in order; mostly it is one."""
    asked = parsed.get("questions") or []
    if len(asked) < 2:
        return [parsed]
    return [
        {**parsed, "intent": one, "intent_ranking": [one, *(parsed.get("intent_ranking") or [])]}
        for one in asked[:MAXIMUM_ANSWERS]
    ]


def _may_answer_more(understood: _Understood, answer: Answer) -> bool:
    """Not where danger was read or the bot asks something itself: one thing at a time then."""
    return understood.reading.level == "none" and not answer.slots.get("requested_slot")


def _opening(channel: str) -> Reply:
    name = f"opening_{channel}"
    return Reply(texts.text(name, None), tuple(Button(title, payload) for title, payload in texts.buttons(name, None)))


def _is_time_to_offer(understood: _Understood) -> bool:
    """At the first concern of a kind, and at every third one after it: an offer at each message would only be noise."""
    times = understood.memory.concerns.get(understood.reading.category or "", 1)
    return times % 3 == 1


def _concern_replies(reading: RiskReading, audience: str | None) -> list[Reply]:
    *lines, offer = concern_texts(reading, audience)
    buttons = tuple(Button(title, payload) for title, payload in texts.buttons("concern_offer", audience))
    return [*(Reply(line) for line in lines), Reply(offer, buttons)]


def _shown_reading(understood: _Understood) -> dict[str, Any]:
    """What staff see of how a message was understood."""
    parsed = understood.parsed or {}
    return {
        "intent": parsed.get("intent"),
        "ranking": (parsed.get("intent_ranking") or [])[:3],
        "language": parsed.get("language"),
        "municipality": parsed.get("municipality"),
        "risk": understood.reading.as_dict(),
    }
