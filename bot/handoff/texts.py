"""What the bot says outside the dialogue: opening, safety, handoff. Read from `config/texts/`, editable without code.

The files have the form of Rasa's responses, so that one check serves all content; they are no part of the Rasa domain, as
these texts must be there when Rasa is not.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from bot.directory.facts import FactsError, read_yaml

TEXTS_DIRECTORY = Path(__file__).resolve().parents[2] / "config" / "texts"


@functools.lru_cache(maxsize=2)
def _texts(directory: Path = TEXTS_DIRECTORY) -> dict[str, dict[str, dict[str, Any]]]:
    texts: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(directory.glob("*.yml")):
        for name, entries in read_yaml(path)["responses"].items():
            if name in texts:
                raise FactsError(f"{path}: {name} stands twice")
            texts[name] = {_audience(entry): entry for entry in entries}
            if "unknown" not in texts[name]:
                raise FactsError(f"{path}: {name} needs a text without condition")
    return texts


def _audience(entry: dict[str, Any]) -> str:
    for condition in entry.get("condition", ()):
        if condition["name"] == "audience":
            return str(condition["value"])
    return "unknown"


def text(name: str, audience: str | None, /, **values: str) -> str:
    """A text for an audience; that for everyone when the audience has none of its own.

    Args:
        name: name in `config/texts/`.
        audience: child, teen, parent, professional, or None when unknown.
        values: what replaces `{name}` in the text.

    Raises:
        FactsError: there is no text of that name.
    """
    entry = _entry(name, audience)
    result: str = entry["text"]
    for key, value in values.items():
        result = result.replace("{" + key + "}", value)
    return result.strip()


def buttons(name: str, audience: str | None) -> list[tuple[str, str]]:
    """Titles and payloads of a text's buttons."""
    return [(button["title"], button["payload"]) for button in _entry(name, audience).get("buttons", ())]


def preload() -> None:
    """Read the files now: the first reading takes a moment that nobody should wait for inside a transaction."""
    _texts()


def exists(name: str) -> bool:
    """Whether there is a text of that name."""
    return name in _texts()


def _entry(name: str, audience: str | None) -> dict[str, Any]:
    variations = _texts().get(name)
    if variations is None:
        raise FactsError(f"config/texts/ has no text {name}")
    return variations.get(audience or "unknown", variations["unknown"])
