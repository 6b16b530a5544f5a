"""What all actions need: who is talking, a text for them, an effect for the engine."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.handoff.texts import buttons, text


def audience_of(tracker: Tracker) -> str | None:
    """child, teen, parent, professional, or None when unknown."""
    value = tracker.get_slot("audience")
    return str(value) if value else None


def say(dispatcher: CollectingDispatcher, tracker: Tracker, name: str, **values: str) -> None:
    """Utter a text of `config/texts/` with its buttons, in the words of the audience."""
    audience = audience_of(tracker)
    choices = [{"title": title, "payload": payload} for title, payload in buttons(name, audience)]
    dispatcher.utter_message(text=text(name, audience, **values), buttons=choices)


def ask_engine(dispatcher: CollectingDispatcher, effect: str) -> None:
    """Ask the engine for something outside the dialogue: `request_human` or `erase`."""
    dispatcher.utter_message(json_message={"effect": effect})


def understood(tracker: Tracker, key: str) -> Any:
    """What the pipeline read in the latest message under `key`, such as `municipality`; None when nothing."""
    return tracker.latest_message.get(key)
