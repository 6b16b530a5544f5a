"""Helplines: which one comes first at which danger, for whom, and how they are shown (`config/facts/helplines.yml`)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from bot.directory.facts import FACTS_DIRECTORY, read_yaml

EMERGENCY = "helpline.112"


@dataclass(frozen=True)
class Helpline:
    """One line; a field that is not confirmed is None and is never shown."""

    id: str
    name: str
    phone: str | None
    website: str | None
    chat: str | None
    hours: str | None
    text: str

    def as_text(self) -> str:
        """Name, number, chat or site and hours, each on its own line."""
        lines = [self.name]
        if self.phone:
            lines.append(f"Bel {self.phone}")
        if self.chat:
            lines.append(self.chat if self.chat.lower().startswith("chat") else f"Chat: {self.chat}")
        elif self.website:
            lines.append(self.website)
        if self.hours:
            lines.append(self.hours[0].upper() + self.hours[1:])
        return "\n".join(lines)


@functools.lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return read_yaml(FACTS_DIRECTORY / "helplines.yml")


@functools.lru_cache(maxsize=1)
def helplines() -> dict[str, Helpline]:
    """All helplines by id."""
    found = {}
    for entry in _file()["helplines"]:
        found[entry["id"]] = Helpline(
            entry["id"],
            entry["name"],
            entry.get("phone"),
            entry.get("website"),
            entry.get("chat"),
            entry.get("hours"),
            entry["text"],
        )
    return found


def _group(audience: str | None) -> str:
    # Somebody unknown may be a child: they get a child's lines.
    return audience if audience in ("parent", "professional") else "child_teen"


def lines_for(category: str | None, audience: str | None) -> list[Helpline]:
    """The lines for a risk category and audience, the first one first; the general ones without a category."""
    table = _file()["by_category"].get(category) if category else None
    names = (table or _file()["default_concern"])[_group(audience)]
    return [helplines()[name] for name in names]


def lines_for_intent(intent: str, audience: str | None) -> list[Helpline]:
    """The lines to offer beside an answer when there is no danger."""
    table = _file()["by_intent_concern"].get(intent) or _file()["default_concern"]
    return [helplines()[name] for name in table[_group(audience)]]
