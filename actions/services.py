"""Help near a place: asks for the municipality, lists what is there, and what is for everyone."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import audience_of, say, understood
from bot.directory.organisations import Organisation, find_national, find_near, named_services
from bot.language.places import PlaceReader

PLACES = PlaceReader()


class AskMunicipality(Action):
    """Asks for the place; says so when the one that was typed is unknown, ambiguous or abroad."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_ask_municipality"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask."""
        place = PLACES.read(tracker.latest_message.get("text") or "")
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        if place.foreign:
            say(dispatcher, tracker, "place_foreign", place=place.foreign)
            list_organisations(dispatcher, find_national(tracker.get_slot("last_topic"), audience_of(tracker)))
        elif place.candidates:
            say(dispatcher, tracker, "place_ambiguous")
            choices = [{"title": name, "payload": f'/inform{{"plaats": "{name}"}}'} for name in place.candidates[:4]]
            dispatcher.messages[-1]["buttons"] = choices
        elif intent == "inform":
            say(dispatcher, tracker, "place_unknown")
        say(dispatcher, tracker, "ask_municipality")
        return remember_what_is_asked(tracker)


class ValidateFindServiceForm(FormValidationAction):
    """The form takes whatever municipality the pipeline recognised."""

    def name(self) -> str:
        """Its name in the domain."""
        return "validate_find_service_form"

    def validate_municipality(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        """Already a CBS name."""
        return {"municipality": value}


class FindService(Action):
    """Lists help near the municipality that the form asked for."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_find_service"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """List at most four, the nearest first."""
        tell_what_is_near(dispatcher, tracker, str(tracker.get_slot("municipality")))
        return [SlotSet("misunderstood", 0), SlotSet("pending", None), *remember_what_is_asked(tracker)]


class FindNational(Action):
    """Lists help that is there for everyone, for who does not want to say where they live."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_find_national"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """List at most four."""
        say(dispatcher, tracker, "find_service_national_intro")
        list_organisations(dispatcher, find_national(tracker.get_slot("last_topic"), audience_of(tracker)))
        say(dispatcher, tracker, "find_service_after")
        return [SlotSet("misunderstood", 0)]


def tell_what_is_near(dispatcher: CollectingDispatcher, tracker: Tracker, municipality: str) -> None:
    """Say which help there is in and around a municipality for the last topic, or that none is known there."""
    topic = tracker.get_slot("last_topic")
    # Somebody may ask for another: a father for his son.
    audience = understood(tracker, "help_for") or audience_of(tracker)
    text = understood(tracker, "text") or ""
    asked = text if named_services(text) else tracker.get_slot("asked_for") or ""
    near = find_near(municipality, topic, audience, asked)
    say(dispatcher, tracker, "find_service_intro" if near else "find_service_none", place=municipality)
    list_organisations(dispatcher, near or find_national(topic, audience, asked))
    say(dispatcher, tracker, "find_service_after")


def remember_what_is_asked(tracker: Tracker) -> list[dict[str, Any]]:
    """Keeps the services that a question for help names, for when the place comes later or another place is asked about."""
    named = named_services(understood(tracker, "text") or "")
    return [SlotSet("asked_for", " ".join(service.replace("_", " ") for service in named))] if named else []


def list_organisations(dispatcher: CollectingDispatcher, organisations: list[Organisation]) -> None:
    """One message with name, what it is for, and where to reach it, each on its own line."""
    if organisations:
        dispatcher.utter_message(text="\n\n".join(organisation.as_text() for organisation in organisations))
