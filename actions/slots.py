"""Slots that are filled from any message: who is talking, and where they live."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker, ValidationAction
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import understood
from bot.language.places import is_home

ROLES = {"kind": "child", "tiener": "teen", "ouder": "parent", "professional": "professional"}
FORM = "find_service_form"


class ValidateSlotMappings(ValidationAction):
    """Sets `audience` and `municipality` from what was understood; called by Rasa before each prediction."""

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[str]:
        """Only these two: the other slots are set by actions."""
        return ["audience", "municipality"]

    async def extract_audience(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A role of a pressed button; what a person says of themselves; or a guess where nothing is known yet."""
        for entity in tracker.latest_message.get("entities") or ():
            # Only of a button: the word alone in what somebody types says nothing of who types it.
            if entity["entity"] == "rol" and entity["value"] in ROLES and entity.get("extractor") != "DutchReader":
                return {"audience": ROLES[entity["value"]]}
        persona = understood(tracker, "persona")
        if persona and (persona["certain"] or not tracker.get_slot("audience")):
            return {"audience": persona["audience"]}
        return {}

    async def extract_municipality(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """A place that is named as one's own, or as an answer, or with a question for help near it."""
        municipality = understood(tracker, "municipality")
        if not municipality:
            return {}
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        asked = tracker.active_loop.get("name") == FORM or intent in ("find_service", "inform")
        if asked or is_home(tracker.latest_message.get("text") or ""):
            return {"municipality": municipality}
        return {}
