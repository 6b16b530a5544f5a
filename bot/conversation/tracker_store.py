"""Rasa's dialogue state, bounded: slots, active loop, paused state and the last few dozen events.

Rasa reads its tracker from here, but nothing here touches the database: the engine hands a conversation's state in before a
message and takes the new one out after it, and writes it in the message's one closing transaction.
"""

from __future__ import annotations

from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    ConversationResumed,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

KEPT_EVENTS = 40

State = list[dict[str, Any]]


class BoundedTrackerStore(TrackerStore):
    """Keeps trackers of the conversations that are being handled, in memory.

    Used by the engine through `put` and `take`; by the Rasa commands (`rasa shell`) as an ordinary in-memory store.
    """

    def __init__(self, domain: Domain | None = None, event_broker: EventBroker | None = None, **kwargs: Any) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._states: dict[str, State] = {}

    @property
    def domain(self) -> Domain:
        """The domain whose slots trackers have."""
        return self._domain

    @domain.setter
    def domain(self, domain: Domain | None) -> None:
        self._domain = domain or Domain.empty()

    def put(self, conversation: str, state: State | None) -> None:
        """Hand in a conversation's state; None for a new conversation."""
        self._states.pop(conversation, None)
        if state:
            self._states[conversation] = state

    def take(self, conversation: str) -> State | None:
        """Take the state out again; None when Rasa saved nothing."""
        return self._states.pop(conversation, None)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Called by Rasa at the end of a message."""
        self._states[tracker.sender_id] = state_of(tracker)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Called by Rasa at the start of a message."""
        state = self._states.get(sender_id)
        if state is None:
            return None
        return DialogueStateTracker.from_dict(sender_id, state, self.domain.slots)

    async def keys(self) -> list[str]:
        """Conversations in the store."""
        return list(self._states)


def state_of(tracker: DialogueStateTracker) -> State:
    """The tracker as JSON values: what its older events amount to, then its last events from a message's start on."""
    events = list(tracker.events)
    kept = events[_cut(events) :]
    if len(kept) == len(events):
        return [_as_dict(event) for event in events]
    return [_as_dict(event) for event in [*_summary(tracker, kept), *kept]]


def _cut(events: list[Event]) -> int:
    if len(events) <= KEPT_EVENTS:
        return 0
    starts = [
        position
        for position in range(1, len(events))
        if isinstance(events[position], UserUttered) and isinstance(events[position - 1], ActionExecuted)
    ]
    recent = [start for start in starts if len(events) - start < KEPT_EVENTS]
    # The listening before the message stays with it. A single turn longer than the bound is kept whole.
    return (recent[0] if recent else starts[-1] if starts else 1) - 1


def _summary(tracker: DialogueStateTracker, kept: list[Event]) -> list[Event]:
    """Events that bring a new tracker to where this one was before the kept events.

    A slot, loop or pause that the kept events set again needs no entry: replaying them gives the present value.
    """
    set_again = {event.key for event in kept if isinstance(event, SlotSet)}
    summary: list[Event] = [
        SlotSet(name, slot.value)
        for name, slot in tracker.slots.items()
        if name not in set_again and slot.value != slot.initial_value and name != "session_started_metadata"
    ]
    if tracker.active_loop_name and not any(isinstance(event, ActiveLoop) for event in kept):
        summary.append(ActiveLoop(tracker.active_loop_name))
    if tracker.is_paused() and not any(isinstance(event, (ConversationPaused, ConversationResumed)) for event in kept):
        summary.append(ConversationPaused())
    return summary


def _as_dict(event: Event) -> dict[str, Any]:
    value = event.as_dict()
    if isinstance(event, UserUttered):
        # What a person typed is in `messages`; Rasa needs the understanding only.
        value["text"] = ""
        parsed = value.get("parse_data") or {}
        value["parse_data"] = {key: parsed.get(key) for key in ("intent", "entities") if key in parsed} | {"text": ""}
    value.pop("timestamp", None)
    return value
