"""What a kind of help is: the one that was named, else the list of all."""

from __future__ import annotations

import functools
import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.replying import say
from bot.directory.facts import read_yaml
from bot.language.spelling import normalize
from bot.settings import PROJECT_DIRECTORY

KINDS_FILE = PROJECT_DIRECTORY / "config" / "kinds_of_help.yml"


@functools.lru_cache(maxsize=1)
def _phrases() -> list[tuple[re.Pattern[str], str]]:
    """Phrases as patterns with the kind of help that they name, the longest first."""
    named = [(phrase, kind) for kind, phrases in read_yaml(KINDS_FILE).items() for phrase in phrases]
    named.sort(key=lambda entry: -len(entry[0]))
    return [(re.compile(rf"\b{re.escape(normalize(phrase))}\b"), kind) for phrase, kind in named]


def named_kind(text: str) -> str | None:
    """The kind of help (a key of `config/kinds_of_help.yml`) that a text names first; None when it names none or several."""
    plain = normalize(text)
    found: list[str] = []
    for pattern, kind in _phrases():
        if pattern.search(plain):
            found.append(kind)
            plain = pattern.sub(" ", plain)
    return found[0] if len(set(found)) == 1 else None


class ExplainHelp(Action):
    """Explains the kind of help, or the mediation programme, that was named."""

    def name(self) -> str:
        """Its name in the domain."""
        return "action_explain_help"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """One text for the kind that was named; the topic's own answer otherwise."""
        kind = named_kind(tracker.latest_message.get("text") or "")
        intent = tracker.latest_message["intent"]["name"]
        if kind is None or (intent == "mediation") != (kind == "mediation_first"):
            dispatcher.utter_message(response=f"utter_{intent}")
        else:
            say(dispatcher, tracker, f"explain_{kind}")
        return []
