"""Finds patterns in the words of a message, quickly: only patterns whose rarest words are there are tried.

spaCy's own Matcher cannot ask for "this spelling or this lemma" in one place, nor see two words in one token ("kwil"),
nor ask for words in any order; and its word sets run in Python for every token and pattern.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from bot.risk.pattern_language import Element, Pattern
from bot.risk.spelling_by_sound import SoundIndex
from bot.risk.utterance import Utterance

WIDEST = 14  # words from the first to the last of a pattern with `&`
WIDEST_IN_SENTENCE = 22  # the same with `&&`
MOST_RUNS = 200  # matches of one row in one message; more say nothing new
_KNOWN_WORDS = 50_000
_NONE: dict[tuple[str, ...], set[int]] = {}

Place = tuple[int, int]


class Hits:
    """Where each element stands in one message."""

    def __init__(self) -> None:
        self._places: dict[int, list[Place]] = defaultdict(list)

    def add(self, element: int, place: Place) -> None:
        """`place` is the first word and the one past the last."""
        self._places[element].append(place)

    def of(self, element: int) -> list[Place]:
        """The places in order of their beginning."""
        return self._places.get(element, [])

    def elements(self) -> Iterable[int]:
        """The elements that stand somewhere."""
        return self._places.keys()

    def without(self, masked: set[int]) -> Hits:
        """The hits that touch none of the masked words."""
        if not masked:
            return self
        kept = Hits()
        for element, places in self._places.items():
            rest = [place for place in places if masked.isdisjoint(range(*place))]
            if rest:
                kept._places[element] = rest
        return kept


@dataclass(frozen=True)
class Found:
    """A pattern's words in a message: `key` tells whose pattern it is, `words` are the positions of its words."""

    key: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class _Step:
    element: int
    gap: int
    optional: bool
    closes: bool


@dataclass(frozen=True)
class _Compiled:
    key: int
    rows: tuple[tuple[_Step, ...], ...]
    required: tuple[int, ...]
    blockers: int | None
    unit: str


class PatternIndex:
    """All patterns and word groups, compiled once."""

    def __init__(self, sounds: SoundIndex) -> None:
        self._sounds = sounds
        self._elements: dict[Element, int] = {}
        self._weights: list[int] = []
        self._by_word: dict[str, set[int]] = defaultdict(set)
        self._by_spelling: dict[str, set[int]] = defaultdict(set)
        self._by_beginning: dict[str, set[int]] = defaultdict(set)
        self._by_pair: dict[tuple[str, str], dict[tuple[str, ...], set[int]]] = defaultdict(lambda: defaultdict(set))
        self._patterns: dict[int, list[_Compiled]] = defaultdict(list)
        self._known: dict[tuple[str, str], frozenset[int]] = {}

    def add_element(self, element: Element) -> int:
        """The number of an element, under which its places are found in `Hits`."""
        if element in self._elements:
            return self._elements[element]
        number = self._elements[element] = len(self._elements)
        self._weights.append(
            len(element.words) + len(element.spellings) + len(element.phrases) + 10 * len(element.beginnings)
        )
        for word in element.words:
            self._by_word[word].add(number)
            self._sounds.add(word)
        for word in element.spellings:
            self._by_spelling[word].add(number)
        for beginning in element.beginnings:
            self._by_beginning[beginning].add(number)
        for phrase in element.phrases:
            self._by_pair[phrase[0], phrase[1]][phrase].add(number)
        return number

    def add_pattern(self, key: int, pattern: Pattern) -> None:
        """Add a pattern, found under `key`."""
        rows = tuple(
            tuple(_Step(self.add_element(step.element), step.gap, step.optional, step.closes) for step in row)
            for row in pattern.rows
        )
        required = sorted(
            {step.element for row in rows for step in row if not step.optional}, key=self._weights.__getitem__
        )
        blockers = None if pattern.blockers is None else self.add_element(pattern.blockers)
        compiled = _Compiled(key, rows, tuple(required), blockers, "sentence" if pattern.wide else "clause")
        self._patterns[required[0]].append(compiled)

    def hits(self, text: Utterance) -> Hits:
        """Where every element stands in the message."""
        found = Hits()
        norms = [word.norm for word in text.words]
        for position, word in enumerate(text.words):
            for number in self._elements_of(word.norm, word.lemma):
                found.add(number, (position, position + 1))
            if position + 1 < len(norms):
                for phrase, numbers in self._by_pair.get((word.norm, norms[position + 1]), _NONE).items():
                    if tuple(norms[position : position + len(phrase)]) == phrase:
                        for number in numbers:
                            found.add(number, (position, position + len(phrase)))
        return found

    def find(self, text: Utterance, hits: Hits) -> Iterator[Found]:
        """Every pattern that stands in the message, at each of its places."""
        present = set(hits.elements())
        for anchor in present:
            for pattern in self._patterns.get(anchor, ()):
                if present.issuperset(pattern.required):
                    for words in self._match(pattern, text, hits):
                        yield Found(pattern.key, words)

    def _elements_of(self, norm: str, lemma: str) -> frozenset[int]:
        known = self._known.get((norm, lemma))
        if known is None:
            known = frozenset(self._look_up(norm, lemma))
            if len(self._known) < _KNOWN_WORDS:
                self._known[norm, lemma] = known
        return known

    def _look_up(self, norm: str, lemma: str) -> set[int]:
        found = self._by_word.get(norm, set()) | self._by_word.get(lemma, set()) | self._by_spelling.get(norm, set())
        for length in range(2, len(norm) + 1):
            found = found | self._by_beginning.get(norm[:length], set())
        if not found:
            for word in self._sounds.alike(norm):
                found = found | self._by_word.get(word, set())
        return found

    def _match(self, pattern: _Compiled, text: Utterance, hits: Hits) -> Iterator[tuple[int, ...]]:
        rows = []
        for row in pattern.rows:
            runs = list(islice(self._runs(row, text, hits), MOST_RUNS))
            if not runs:
                return
            rows.append(runs)
        blocked = [] if pattern.blockers is None else hits.of(pattern.blockers)
        for words in rows[0] if len(rows) == 1 else _together(rows, text, pattern.unit):
            if not blocked or not _stands_in(blocked, words, text, pattern.unit):
                yield words

    def _runs(self, row: tuple[_Step, ...], text: Utterance, hits: Hits) -> Iterator[tuple[int, ...]]:
        for start, end in hits.of(row[0].element):
            if not (row[0].closes and _goes_on(end, text)):
                if len(row) == 1:
                    yield tuple(range(start, end))
                else:
                    yield from self._extended(row, 1, tuple(range(start, end)), text, hits)

    def _extended(
        self, row: tuple[_Step, ...], index: int, words: tuple[int, ...], text: Utterance, hits: Hits
    ) -> Iterator[tuple[int, ...]]:
        if index == len(row):
            yield words
            return
        step = row[index]
        after = words[-1] + 1
        places = hits.of(step.element)
        first = bisect_left(places, (after, 0))
        last = bisect_right(places, (after + step.gap, len(text.words) + 1))
        sentence = text.words[words[-1]].sentence
        for start, end in places[first:last]:
            if text.words[end - 1].sentence == sentence and not (step.closes and _goes_on(end, text)):
                yield from self._extended(row, index + 1, (*words, *range(start, end)), text, hits)
        if step.optional:
            yield from self._extended(row, index + 1, words, text, hits)


def _together(rows: list[list[tuple[int, ...]]], text: Utterance, unit: str) -> Iterator[tuple[int, ...]]:
    """One run of each row, side by side in one clause or sentence: for each run of the rarest the nearest others."""
    widest = WIDEST if unit == "clause" else WIDEST_IN_SENTENCE
    order: list[int] = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    starts = {number: [run[0] for run in rows[number]] for number in order[1:]}
    for anchor in rows[order[0]]:
        words = set(anchor)
        for number in order[1:]:
            low = bisect_left(starts[number], anchor[0] - widest)
            high = bisect_right(starts[number], anchor[-1] + widest)
            near = [
                run
                for run in rows[number][low:high]
                if getattr(text.words[run[0]], unit) == getattr(text.words[anchor[0]], unit) and words.isdisjoint(run)
            ]
            if not near:
                break
            words.update(min(near, key=functools.partial(_distance, anchor)))
        else:
            if max(words) - min(words) <= widest:
                yield tuple(sorted(words))


def _distance(anchor: tuple[int, ...], run: tuple[int, ...]) -> int:
    return min(abs(run[0] - anchor[-1]), abs(anchor[0] - run[-1]))


def _stands_in(blocked: list[Place], words: tuple[int, ...], text: Utterance, unit: str) -> bool:
    units = {getattr(text.words[word], unit) for word in words}
    return any(
        getattr(text.words[start], unit) in units and not set(range(start, end)) <= set(words) for start, end in blocked
    )


def _goes_on(end: int, text: Utterance) -> bool:
    """Whether the clause goes on at `end`; an emoji does not count."""
    if end >= len(text.words) or not text.words[end].norm[0].isalnum():
        return False
    return text.words[end].clause == text.words[end - 1].clause
