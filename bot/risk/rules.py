"""The rules of danger as care professionals write them: `config/risk/<category>.yml`, `words.yml`, `context.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.risk.pattern_language import PatternError
from bot.risk.reading import CATEGORIES, LEVELS

WORDS_FILE = "words.yml"
CONTEXT_FILE = "context.yml"
IDIOMS_FILE = "idioms.yml"
_RULE_KEYS = {"name", "level", "patterns", "fires", "silent", "note", "keeps"}


@dataclass(frozen=True)
class Rule:
    """One rule of one category.

    Attributes:
        category, name: together its name in a reading, `pattern:category/name`.
        level: what it means when nothing around it says otherwise.
        patterns: lines in the pattern language.
        fires, silent: example messages on which it fires, and on which it does not.
        keeps: names of context rules that do not touch this rule; `doubt`: nor does the classifier's doubt.
    """

    category: str
    name: str
    level: str
    patterns: tuple[str, ...]
    fires: tuple[str, ...]
    silent: tuple[str, ...]
    keeps: frozenset[str] = frozenset()


def read_rules(directory: Path) -> list[Rule]:
    """The rules of every category, in the order of the files.

    Raises:
        PatternError: a file is missing or a rule in it is not complete.
    """
    rules: list[Rule] = []
    for category in CATEGORIES:
        path = directory / f"{category}.yml"
        content = _read(path)
        names: set[str] = set()
        for value in content.get("rules") or []:
            rule = _rule(path, category, value)
            if rule.name in names:
                raise PatternError(f"{path.name}: two rules are named {rule.name}: give one of them another name")
            names.add(rule.name)
            rules.append(rule)
    return rules


def read_groups(directory: Path) -> dict[str, str]:
    """The word groups of `words.yml`: a name, and words with commas between them."""
    return {str(name): str(words) for name, words in _read(directory / WORDS_FILE).items()}


def read_lines(path: Path) -> dict[str, tuple[str, ...]]:
    """Named lists of pattern lines, as in `context.yml` and `idioms.yml`."""
    return {str(name): _lines(lines) for name, lines in _read(path).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError as error:
        raise PatternError(f"{path} is missing: the risk reader cannot do without it") from error
    except yaml.YAMLError as error:
        raise PatternError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise PatternError(f"{path} is empty or no list of names: see README.md beside it")
    return content


def _rule(path: Path, category: str, value: dict[str, Any]) -> Rule:
    name = value.get("name", "?")
    if unknown := set(value) - _RULE_KEYS:
        raise PatternError(f"{path.name}, rule {name}: unknown {', '.join(sorted(unknown))}; a rule has {_RULE_KEYS}")
    if value.get("level") not in LEVELS[1:]:
        raise PatternError(f"{path.name}, rule {name}: level must be concern, high or acute")
    rule = Rule(
        category,
        str(name),
        value["level"],
        _lines(value.get("patterns", "")),
        _lines(value.get("fires", "")),
        _lines(value.get("silent", "")),
        frozenset(str(value.get("keeps", "")).split()),
    )
    if not rule.patterns or len(rule.fires) < 2 or not rule.silent:
        raise PatternError(f"{path.name}, rule {name}: give patterns, at least two lines of fires and one of silent")
    return rule


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in str(text).splitlines() if line.strip() and not line.strip().startswith("#"))
