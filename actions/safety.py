"""The answer to danger: ends the form, empties what this message filled, and says what helps now."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import audience_of
from bot.handoff.safety import safety_texts
from bot.risk.reading import RiskReading


class ActionSafety(Action):
    """Answers a message that is read as high or acute. The engine opens the case; it does not depend on this action."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_safety"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Say the safety text; a disclosure must not stay behind in a slot such as `municipality`."""
        reading = RiskReading.from_dict(tracker.latest_message.get("risk"))
        for text in safety_texts(reading, audience_of(tracker)):
            dispatcher.utter_message(text=text)
        return [ActiveLoop(None), SlotSet("requested_slot", None), SlotSet("pending", None), *_emptied(tracker)]


def _emptied(tracker: Tracker) -> list[dict[str, Any]]:
    """Events that empty the slots which the latest message filled; who is talking stays known."""
    filled = set()
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        if event["event"] == "slot" and event["name"] not in ("audience", "requested_slot", "pending"):
            filled.add(event["name"])
    initial = {"misunderstood": 0, "escalation_signs": 0, "ladder_step": 0}
    return [SlotSet(name, initial.get(name)) for name in sorted(filled)]
