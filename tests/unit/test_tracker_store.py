"""The bounded dialogue state."""

from __future__ import annotations

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, ConversationPaused, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.conversation.tracker_store import KEPT_EVENTS, BoundedTrackerStore, state_of

DOMAIN = Domain.from_yaml(
    """
    version: "3.1"
    intents: [greet]
    slots:
      place: {type: text, mappings: [{type: custom}]}
      audience: {type: text, mappings: [{type: custom}]}
    forms:
      ask: {required_slots: [place]}
    """
)


def tracker_with(turns: int, *first: object) -> DialogueStateTracker:
    tracker = DialogueStateTracker("one", DOMAIN.slots)
    tracker.update(ActionExecuted("action_listen"), DOMAIN)
    for event in first:
        tracker.update(event, DOMAIN)
    for number in range(turns):
        tracker.update(UserUttered(f"geheim {number}", {"name": "greet", "confidence": 1.0}), DOMAIN)
        tracker.update(ActionExecuted("utter_greet"), DOMAIN)
        tracker.update(BotUttered("hoi"), DOMAIN)
        tracker.update(ActionExecuted("action_listen"), DOMAIN)
    return tracker


@pytest.mark.anyio
async def test_slots_loop_and_pause_survive_any_number_of_messages() -> None:
    store = BoundedTrackerStore(DOMAIN)
    events = [SlotSet("audience", "child"), ActiveLoop("ask"), SlotSet("requested_slot", "place"), ConversationPaused()]
    tracker = tracker_with(100, *events)
    for _ in range(3):
        await store.save(tracker)
        loaded = await store.retrieve("one")
        assert loaded is not None
        tracker = loaded
    assert tracker.get_slot("audience") == "child"
    assert tracker.get_slot("requested_slot") == "place"
    assert tracker.active_loop_name == "ask"
    assert tracker.is_paused()


def test_the_state_does_not_grow() -> None:
    sizes = [len(state_of(tracker_with(turns, SlotSet("audience", "child")))) for turns in (20, 200)]
    assert sizes[0] == sizes[1]
    assert sizes[0] <= KEPT_EVENTS + 10


def test_what_was_typed_is_not_in_the_state() -> None:
    assert "geheim" not in repr(state_of(tracker_with(30)))
