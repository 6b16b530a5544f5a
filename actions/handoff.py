"""To a human, and erasing: asked for here, carried out by the engine."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import ask_engine, say


class RequestHuman(Action):
    """Somebody wants to talk with a person."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_request_human"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask the engine for a case; it also says who is there now."""
        say(dispatcher, tracker, "request_human")
        ask_engine(dispatcher, "request_human")
        return [SlotSet("pending", None), SlotSet("misunderstood", 0)]


class DeleteData(Action):
    """Somebody wants the conversation erased: asked once more, as it cannot be undone."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_delete_data"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask whether they are sure."""
        say(dispatcher, tracker, "delete_ask")
        return [SlotSet("pending", "delete"), SlotSet("misunderstood", 0)]
