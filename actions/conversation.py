"""The conversation itself: yes and no, a role or a place by itself, not understood, say it again, start over."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import ask_engine, audience_of, say, understood
from actions.services import list_organisations, tell_what_is_near
from bot.directory.organisations import find_national
from bot.directory.titles import topic_title
from bot.language.places import PlaceReader

PLACES = PlaceReader()
OFFERED_TOPICS = 3
NOT_OFFERED = frozenset(
    {"nlu_fallback", "out_of_scope", "affirm", "deny", "inform", "insult", "thank", "greet", "goodbye"}
)
START_SLOTS = ("municipality", "last_topic", "pending", "place_choice", "asked_for")
COUNTERS = ("misunderstood", "escalation_signs", "ladder_step")


class Affirm(Action):
    """A yes: to what the bot asked last."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_affirm"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry out what was asked about; without a question, ask what it is about."""
        pending = tracker.get_slot("pending")
        if pending == "delete" and not _was_asked_just_now(tracker, "action_delete_data"):
            # An old question: what cannot be undone is asked again.
            say(dispatcher, tracker, "delete_ask")
            return []
        if pending == "delete":
            ask_engine(dispatcher, "erase")
        elif pending == "human":
            ask_engine(dispatcher, "request_human")
        else:
            say(dispatcher, tracker, "yes_without_question")
        return [SlotSet("pending", None), SlotSet("misunderstood", 0)]


def _was_asked_just_now(tracker: Tracker, action: str) -> bool:
    """Whether an action ran in the turn before this message, or this message is the button that it showed."""
    if (tracker.latest_message.get("text") or "").startswith("/"):
        return True
    turns = 0
    for event in reversed(tracker.events):
        if event["event"] == "user":
            turns += 1
        elif turns == 1 and event["event"] == "action" and event["name"] == action:
            return True
    return False


class Deny(Action):
    """A no: to what the bot asked last."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_deny"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Nothing is done; say so."""
        say(dispatcher, tracker, "delete_kept" if tracker.get_slot("pending") == "delete" else "no_without_question")
        return [SlotSet("pending", None), SlotSet("misunderstood", 0)]


class Inform(Action):
    """A place, an age or a role by itself."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_inform"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """A place gives the help near it; a role or age gives the last answer again, in fitting words."""
        place = PLACES.read(tracker.latest_message.get("text") or "")
        chosen = [one["value"] for one in tracker.latest_message.get("entities") or () if one["entity"] == "plaats"]
        municipality = understood(tracker, "municipality") or (chosen[0] if chosen and not place.mentions else None)
        if municipality:
            tell_what_is_near(dispatcher, tracker, municipality)
            return [SlotSet("municipality", municipality), SlotSet("misunderstood", 0)]
        if place.foreign:
            say(dispatcher, tracker, "place_foreign", place=place.foreign)
            list_organisations(dispatcher, find_national(tracker.get_slot("last_topic"), audience_of(tracker)))
        elif place.candidates:
            say(dispatcher, tracker, "place_ambiguous")
            choices = [{"title": name, "payload": f'/inform{{"plaats": "{name}"}}'} for name in place.candidates[:4]]
            dispatcher.messages[-1]["buttons"] = choices
        elif tracker.get_slot("last_topic") and audience_of(tracker):
            say(dispatcher, tracker, "inform_thanks_topic")
            dispatcher.utter_message(response=f"utter_{tracker.get_slot('last_topic')}")
        else:
            say(dispatcher, tracker, "inform_thanks")
        return [SlotSet("misunderstood", 0)]


class OfferTopics(Action):
    """Not sure: the likeliest topics as buttons instead of a wrong answer; at the second time a human."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_offer_topics"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Offer."""
        times = int(tracker.get_slot("misunderstood") or 0) + 1
        ranking = [one["name"] for one in tracker.latest_message.get("intent_ranking") or ()]
        topics = [name for name in ranking if name not in NOT_OFFERED][:OFFERED_TOPICS]
        say(dispatcher, tracker, "offer_topics_again" if times > 1 else "offer_topics")
        offered = [{"title": topic_title(name, audience_of(tracker)), "payload": f"/{name}"} for name in topics]
        dispatcher.messages[-1]["buttons"] = [*offered, *dispatcher.messages[-1]["buttons"]]
        return [SlotSet("misunderstood", times), SlotSet("pending", "human" if times > 1 else None)]


class Repeat(Action):
    """Say the last topic again."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_repeat"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Only where a topic was answered."""
        if tracker.get_slot("last_topic"):
            dispatcher.utter_message(response=f"utter_{tracker.get_slot('last_topic')}")
        return []


class StartOver(Action):
    """A fresh start: nothing of the talk counts any more, except what a human has to know."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_start_over"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Empty the slots; who is talking stays known."""
        say(dispatcher, tracker, "start_over")
        return [*(SlotSet(name, None) for name in START_SLOTS), *(SlotSet(name, 0) for name in COUNTERS)]
