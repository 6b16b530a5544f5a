"""After a topic was answered: remember it, and see whether the separation seems to escalate."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import say
from bot.directory.ladder import next_step, shows_escalation


class ActionAfterTopic(Action):
    """Keeps the topic for follow-up questions; offers the next heavier help when signs of escalation repeat."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_after_topic"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Set the slots; say one step of the help ladder, unasked, where it is time for it."""
        intent = tracker.latest_message["intent"]["name"]
        events = [
            SlotSet("last_topic", intent),
            SlotSet("misunderstood", 0),
            SlotSet("pending", None),
            SlotSet("asked_for", None),
        ]
        if not shows_escalation(intent):
            return events
        signs = int(tracker.get_slot("escalation_signs") or 0) + 1
        step = next_step(signs, int(tracker.get_slot("ladder_step") or 0))
        if step is not None:
            say(dispatcher, tracker, f"ladder_{step}")
            events.append(SlotSet("ladder_step", step))
        return [*events, SlotSet("escalation_signs", signs)]
