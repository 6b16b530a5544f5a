"""The facts that the bot may state, read from `config/facts/`.

A reply may hold a number, a phone number or a website only when a confirmed fact that the reply cites holds it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FACTS_DIRECTORY = Path(__file__).resolve().parents[2] / "config" / "facts"


class FactsError(ValueError):
    """A facts file is missing or damaged; the message says which file and what to do."""


@dataclass(frozen=True)
class Fact:
    """One statement with its source.

    Attributes:
        id: name by which replies cite it, such as `law.gezag.1`.
        text: the statement in plain Dutch, with every number that a reply may use.
        source: where it was read.
        confirmed: False for a statement that must not be shown.
    """

    id: str
    text: str
    source: str
    confirmed: bool


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises FactsError with the file's name when it is missing or damaged."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError as error:
        raise FactsError(f"{path} is missing: restore it from the repository") from error
    except yaml.YAMLError as error:
        raise FactsError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise FactsError(f"{path} holds no mapping")
    return content


@functools.lru_cache(maxsize=4)
def load_facts(directory: Path = FACTS_DIRECTORY) -> dict[str, Fact]:
    """All facts by id: those of `facts:` lists, and each helpline as one fact with all of its confirmed fields."""
    facts: dict[str, Fact] = {}
    for path in sorted(directory.glob("*.yml")):
        content = read_yaml(path)
        for entry in [*content.get("facts", []), *map(_helpline_as_fact, content.get("helplines", []))]:
            fact = Fact(entry["id"], entry["text"], entry["source"], entry["status"] == "confirmed")
            if fact.id in facts:
                raise FactsError(f"{path}: the id {fact.id} stands twice")
            facts[fact.id] = fact
    return facts


def _helpline_as_fact(entry: dict[str, Any]) -> dict[str, str]:
    fields = ("name", "phone", "website", "chat", "hours", "cost", "for", "text")
    text = " · ".join([str(entry[field]) for field in fields if field in entry] + entry.get("facts", []))
    return {"id": entry["id"], "text": text, "source": entry["source"], "status": entry["status"]}
