"""A rule's words in a message, and which words of `context.yml` stand near them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bot.risk.rules import Rule
from bot.risk.utterance import Utterance

Place = tuple[int, ...]


class Markers:
    """Where the words of `context.yml` stand in a message, by clause and by sentence."""

    def __init__(self, text: Utterance) -> None:
        self._text = text
        self._clauses: dict[tuple[str, int], list[Place]] = defaultdict(list)
        self._sentences: dict[tuple[str, int], list[Place]] = defaultdict(list)

    def add(self, name: str, place: Place) -> None:
        """`place` holds the positions of the marker's words."""
        self._clauses[name, self._text.words[place[0]].clause].append(place)
        self._sentences[name, self._text.words[place[0]].sentence].append(place)

    def in_clauses(self, name: str, clauses: Iterable[int]) -> list[Place]:
        """The marker's places in these clauses."""
        return [place for clause in clauses for place in self._clauses.get((name, clause), ())]

    def in_sentences(self, name: str, sentences: Iterable[int]) -> list[Place]:
        """The marker's places in these sentences."""
        return [place for sentence in sentences for place in self._sentences.get((name, sentence), ())]


class Match:
    """A rule's words in a message."""

    def __init__(self, rule: Rule, words: tuple[int, ...], text: Utterance, markers: Markers) -> None:
        self.rule = rule
        self.words = frozenset(words)
        self.first, self.last = min(words), max(words)
        self.clauses = {text.words[word].clause for word in words}
        self.sentences = {text.words[word].sentence for word in words}
        self.text = text
        self._markers = markers

    def in_clause(self, name: str) -> list[Place]:
        """The marker's places in the clauses of the match."""
        return self._markers.in_clauses(name, self.clauses)

    def in_sentence(self, name: str) -> list[Place]:
        """The marker's places in the sentences of the match."""
        return self._markers.in_sentences(name, self.sentences)

    def nearby(self, name: str) -> list[Place]:
        """The marker's places in the sentences of the match and the ones beside them."""
        beside = {number + step for number in self.sentences for step in (-1, 0, 1)}
        return self._markers.in_sentences(name, beside)

    def before(self, name: str, reach: int) -> bool:
        """Whether the marker ends at most `reach` words before the match, in its sentence."""
        return any(0 < self.first - found[-1] <= reach for found in self.in_sentence(name))
