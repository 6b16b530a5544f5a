"""The part of the risk reader that a care professional can read: patterns of words, with what stands around them."""

from __future__ import annotations

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from bot.language.pipeline import verb_forms
from bot.risk.context import MARKERS, judge
from bot.risk.matching import PatternIndex
from bot.risk.pattern_language import PatternError, PatternLanguage
from bot.risk.reading import Part, Span, severity
from bot.risk.rules import CONTEXT_FILE, IDIOMS_FILE, Rule, read_groups, read_lines, read_rules
from bot.risk.spelling_by_sound import SoundIndex
from bot.risk.surroundings import Markers, Match
from bot.risk.utterance import Utterance, utterance

SCORES = {"concern": 0.7, "high": 0.85, "acute": 0.95}
LOWERED_SCORE = 0.6
_LIGHT_GROUP = "licht"
_FAMILY_GROUP = "familie"


class PatternReader:
    """Reads danger by the rules in a directory of pattern files.

    Attention: it finds what its rules describe and nothing else; the classifier beside it is for all other wording.
    """

    def __init__(self, nlp: Language, directory: Path) -> None:
        """Compile all rules once.

        Args:
            nlp: the project's pipeline; its lemma table is used for words inside a token.
            directory: `config/risk`, with a file for each category.

        Raises:
            PatternError: a file is missing or a line in it is wrong; the message says which.
        """
        component = nlp.get_pipe("chat_lemmas")
        self._lemmas: dict[str, str] = getattr(component, "lemmas", {})
        language = PatternLanguage(read_groups(directory))
        self.rules: list[Rule] = read_rules(directory)
        self._undoubted = {f"pattern:{rule.category}/{rule.name}" for rule in self.rules if "doubt" in rule.keeps}
        self._family = frozenset(language.group(_FAMILY_GROUP).words)
        self._index = PatternIndex(SoundIndex(self._lemmas, verb_forms()))
        for number, rule in enumerate(self.rules):
            for line in rule.patterns:
                try:
                    self._index.add_pattern(number, language.pattern(line))
                except PatternError as error:
                    raise PatternError(f"{rule.category}.yml, rule {rule.name}: {error}") from error
        # Idioms are found first, in an index of their own, as their words are then no longer there for the rules.
        self._idioms = PatternIndex(SoundIndex({}, {}))
        self._light = self._idioms.add_element(language.group(_LIGHT_GROUP))
        for lines in read_lines(directory / IDIOMS_FILE).values():
            for line in lines:
                self._idioms.add_pattern(0, language.pattern(line))
        self._add_markers(language, directory)

    def _add_markers(self, language: PatternLanguage, directory: Path) -> None:
        markers = read_lines(directory / CONTEXT_FILE)
        if missing := set(MARKERS) - set(markers):
            raise PatternError(f"{CONTEXT_FILE} has no list named {', '.join(sorted(missing))}: add it")
        self._marker_names = {-1 - number: name for number, name in enumerate(MARKERS)}
        for key, name in self._marker_names.items():
            for line in markers[name]:
                self._index.add_pattern(key, language.pattern(line))

    def may_be_doubted(self, part: Part) -> bool:
        """Whether the classifier may lower what a rule found: not where the rule keeps `doubt` away."""
        return part.name.partition(">")[0] not in self._undoubted

    def read(self, doc: Doc) -> list[Part]:
        """What the rules find: one part for each rule and effect, with the words as code points of `doc.text`."""
        return self.read_in_context(doc)[0]

    def read_in_context(self, doc: Doc) -> tuple[list[Part], bool]:
        """What `read` gives, and whether the context made everything harmless that looks like danger: an idiom, a negation, a
        game, a film.
        """
        text = utterance(doc, self._lemmas, self._family)
        if not text.words:
            return [], False
        idiomatic = self._idiomatic(text)
        matches, markers = self._matches(text, idiomatic)
        best: dict[tuple[str, str], tuple[str, str | None, list[Span]]] = {}
        for rule, words in matches:
            verdict = judge(Match(rule, words, text, markers))
            if verdict.level == "none":
                continue
            spans = _spans(text, words)
            level, effect, known = best.get((rule.category, rule.name), ("none", None, []))
            if severity(verdict.level) > severity(level):
                best[rule.category, rule.name] = (verdict.level, verdict.effect, spans)
            elif verdict.level == level:
                known.extend(span for span in spans if span not in known)
        parts = [
            Part(
                f"pattern:{category}/{name}" + (f">{effect}" if effect else ""),
                level,
                category,
                LOWERED_SCORE if effect and level == "concern" else SCORES[level],
                tuple(_merged(spans)),
            )
            for (category, name), (level, effect, spans) in best.items()
        ]
        return parts, not parts and (bool(idiomatic) or bool(matches))

    def _matches(self, text: Utterance, idiomatic: set[int]) -> tuple[list[tuple[Rule, tuple[int, ...]]], Markers]:
        """Every rule that fits, with its words, and the markers of context; words of idioms are left out."""
        markers = Markers(text)
        matches: list[tuple[Rule, tuple[int, ...]]] = []
        for found in self._index.find(text, self._index.hits(text).without(idiomatic)):
            if found.key < 0:
                markers.add(self._marker_names[found.key], found.words)
            else:
                matches.append((self.rules[found.key], found.words))
        return matches, markers

    def _idiomatic(self, text: Utterance) -> set[int]:
        """The words that belong to an idiom, without little ones such as "ik" that a sign beside it may need."""
        hits = self._idioms.hits(text)
        light = {start for start, _ in hits.of(self._light)}
        return {word for found in self._idioms.find(text, hits) for word in found.words if word not in light}


def _spans(text: Utterance, words: tuple[int, ...]) -> list[Span]:
    """The typed words as spans; words side by side make one span."""
    spans: list[Span] = []
    previous = None
    for word in sorted(words):
        start, end = text.words[word].start, text.words[word].end
        if previous is not None and word == previous + 1:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
        previous = word
    return spans


def _merged(spans: list[Span]) -> list[Span]:
    """The spans in order, those that overlap made one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
