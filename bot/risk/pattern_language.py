"""The small language in which the patterns of danger are written; `config/risk/README.md` explains it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.language.spelling import normal_form
from bot.risk.utterance import pieces

SHORT_GAP = 3
LONG_GAP = 8
_GAPS = {"..": SHORT_GAP, "...": LONG_GAP}


class PatternError(ValueError):
    """A pattern line, word group or rule is wrong; the message says which and what to do."""


@dataclass(frozen=True)
class Element:
    """One place in a pattern: the words that may stand there.

    Attributes:
        words: matched with a word's spelling or its lemma.
        spellings: matched with the spelling only (written `=word`).
        beginnings: matched with the beginning of a spelling (written `word*`).
        phrases: several words in a row (written `one_two`).
    """

    words: frozenset[str]
    spellings: frozenset[str]
    beginnings: frozenset[str]
    phrases: frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Step:
    """An element in a row: how many words may stand before it, whether it may be missing or ends the clause."""

    element: Element
    gap: int
    optional: bool
    closes: bool = False


@dataclass(frozen=True)
class Pattern:
    """Rows of steps that stand in one clause (`wide`: one sentence) in any order, without any of `blockers` in it."""

    line: str
    rows: tuple[tuple[Step, ...], ...]
    blockers: Element | None
    wide: bool = False


class PatternLanguage:
    """Reads pattern lines with a set of word groups."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        """`groups` gives for each name its words with commas between them; a group may hold `{another}`."""
        self._sources = groups
        self._groups: dict[str, Element] = {}

    def group(self, name: str, _inside: tuple[str, ...] = ()) -> Element:
        """The words of a group.

        Raises:
            PatternError: there is no such group, or it holds itself.
        """
        if name not in self._sources:
            raise PatternError(f"there is no word group {{{name}}} in words.yml: add it there or mend its name")
        if name in _inside:
            raise PatternError(
                f"word group {{{name}}} holds itself: take {{{name}}} out of one of {', '.join(_inside)}"
            )
        if name not in self._groups:
            entries = [entry.strip() for entry in re.split(r"[,\n]", self._sources[name]) if entry.strip()]
            self._groups[name] = self._element([entry.replace(" ", "_") for entry in entries], (*_inside, name))
        return self._groups[name]

    def pattern(self, line: str) -> Pattern:
        """The pattern that a line says.

        Raises:
            PatternError: the line is not in the language.
        """
        body, _, blocked = line.partition(" ! ")
        wide = " && " in body
        rows = tuple(self._row(part, line) for part in re.split(" &&? ", body))
        blockers = self._element(blocked.strip().split("|"), ()) if blocked.strip() else None
        return Pattern(line, rows, blockers, wide)

    def _row(self, part: str, line: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        gap = 0
        for symbol in part.split():
            if symbol in _GAPS:
                gap = _GAPS[symbol]
                continue
            if symbol == "$" and steps:
                steps[-1] = replace(steps[-1], closes=True)
                continue
            optional = symbol.startswith("(") and symbol.endswith(")")
            steps.append(Step(self._element(symbol.strip("()").split("|"), ()), gap if steps else 0, optional))
            # Words after an optional one keep its gap, so that "a .. (b) c" reads as "a .. c" too.
            gap = gap if optional else 0
        # What may be missing at the beginning or the end asks for nothing.
        while steps and steps[0].optional:
            steps.pop(0)
        while steps and steps[-1].optional:
            steps.pop()
        if not steps:
            raise PatternError(f"pattern {line!r}: each part between & needs a word that is not in brackets")
        return (replace(steps[0], gap=0), *steps[1:])

    def _element(self, alternatives: list[str], inside: tuple[str, ...]) -> Element:
        words: set[str] = set()
        spellings: set[str] = set()
        beginnings: set[str] = set()
        phrases: set[tuple[str, ...]] = set()
        for alternative in alternatives:
            if alternative.startswith("{"):
                group = self.group(alternative.strip("{}"), inside)
                words |= group.words
                spellings |= group.spellings
                beginnings |= group.beginnings
                phrases |= group.phrases
            elif alternative.endswith("*") and len(alternative) > 3:
                beginnings.update(pieces(alternative[:-1]))
            else:
                exact = alternative.startswith("=")
                spelled = " ".join(normal_form(word) for word in alternative.lstrip("=").split("_") if word)
                parts = tuple(pieces(spelled))
                if not parts:
                    raise PatternError(
                        f"an empty alternative in {'|'.join(alternatives)!r}: write a word on each side of |"
                    )
                if len(parts) > 1:
                    phrases.add(parts)
                elif exact:
                    spellings.add(parts[0])
                else:
                    words.add(parts[0])
        return Element(frozenset(words), frozenset(spellings), frozenset(beginnings), frozenset(phrases))
