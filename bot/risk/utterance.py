"""A message as the patterns see it: plain words with their lemmas, each in its clause and sentence.

spaCy's tokens hold what was typed; one of them may stand for several words (`kwil` is "ik wil") or hold signs between
words (`slaat/schopt`, `papa👊`). Here each word stands alone, without accents, and knows where it came from.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from spacy.tokens import Doc

_PIECE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
_FOLDED = str.maketrans({"ı": "i", "ł": "l", "ß": "ss", "đ": "d", "ø": "o", "ى": "ي", "ـ": "", "’": "'", "ʼ": "'"})
_SENTENCE_ENDS = frozenset(".!?;\n")
_PAUSES = frozenset(",:…-–—()[]\"'*/|&+~<>=_")
_SKIN_AND_JOINERS = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d\u2063]")
# A clause begins at one of these when a new subject follows; "en slaat mij" goes on with the old subject.
_CONJUNCTIONS = frozenset(
    [
        "en",
        "maar",
        "want",
        "omdat",
        "als",
        "dus",
        "terwijl",
        "toen",
        "wanneer",
        "hoewel",
        "daarom",
        "waarna",
        "and",
        "but",
        "because",
        "when",
        "so",
        "ve",
        "ama",
        "ale",
        "bo",
        "und",
        "aber",
        "weil",
        "et",
        "mais",
    ]
)
_SUBJECTS = frozenset(
    [
        "ik",
        "hij",
        "zij",
        "ze",
        "wij",
        "we",
        "jij",
        "je",
        "jullie",
        "het",
        "er",
        "niemand",
        "iedereen",
        "iemand",
        "i",
        "he",
        "she",
        "they",
        "we",
        "you",
    ]
)
_DETERMINERS = frozenset(
    [
        "mijn",
        "zijn",
        "haar",
        "onze",
        "ons",
        "hun",
        "de",
        "het",
        "een",
        "die",
        "dat",
        "deze",
        "my",
        "his",
        "her",
        "ihre",
        "mein",
    ]
)
_POSSESSIVE_SLIPS = frozenset({"me", "men", "mij", "mi", "ma", "m"})
LONGEST_CLAUSE = 40
# Text without full stops is cut at a clause after so many words, so that words far apart say nothing about each other.
LONGEST_SENTENCE = 60


@functools.lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """The word without case and accents, in any script, so that `dövüyor` and `dovuyor` are the same."""
    plain = unicodedata.normalize("NFKD", word.casefold()).translate(_FOLDED)
    return "".join(character for character in plain if unicodedata.category(character) != "Mn")


def pieces(text: str) -> list[str]:
    """The words and signs in a text of normal spelling, folded."""
    return [fold(piece) for piece in _PIECE.findall(_SKIN_AND_JOINERS.sub("", text))]


@dataclass(frozen=True)
class Word:
    """One word. `start` and `end` are code points of the message; `clause` and `sentence` count from 0; `after_pause` when a
    comma or another sign of rest stands before it.
    """

    norm: str
    lemma: str
    start: int
    end: int
    clause: int
    sentence: int
    after_pause: bool = False


@dataclass
class Utterance:
    """The words of a message, and whether a sentence ends in a question mark."""

    words: list[Word] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)


def utterance(doc: Doc, lemmas: Mapping[str, str], family: Set[str]) -> Utterance:
    """The message in words.

    Args:
        doc: from the project's pipeline.
        lemmas: form to lemma, for words inside a token.
        family: nouns after which a loose "me" is "mijn" ("me vader").
    """
    raw = _raw_words(doc, lemmas)
    read = Utterance()
    clause = sentence = length = sentence_length = 0
    paused = False
    for position, (norm, lemma, start, end) in enumerate(raw):
        if norm in _SENTENCE_ENDS:
            if norm == "?":
                read.questions.add(sentence)
            if read.words and read.words[-1].sentence == sentence:
                sentence, clause, length, sentence_length = sentence + 1, clause + 1, 0, 0
            continue
        if norm in _PAUSES:
            paused = True
            continue
        following = [word for word, *_ in raw[position + 1 : position + 3]]
        begins = paused and _is_subject([norm, *following], family)
        begins = begins or (norm in _CONJUNCTIONS and _is_subject(following, family))
        if length and (begins or length >= LONGEST_CLAUSE):
            clause, length = clause + 1, 0
            if sentence_length >= LONGEST_SENTENCE:
                sentence, sentence_length = sentence + 1, 0
        if norm in _POSSESSIVE_SLIPS and following and following[0] in family:
            norm = lemma = "mijn"
        read.words.append(Word(norm, lemma, start, end, clause, sentence, paused))
        length, sentence_length, paused = length + 1, sentence_length + 1, False
    return read


def _is_subject(words: list[str], family: Set[str]) -> bool:
    if not words:
        return False
    if words[0] in _SUBJECTS or words[0] in family:
        return True
    return len(words) > 1 and (words[0] in _DETERMINERS or words[0] in _POSSESSIVE_SLIPS) and words[1] in family


def _raw_words(doc: Doc, lemmas: Mapping[str, str]) -> list[tuple[str, str, int, int]]:
    found = []
    for token in doc:
        start, end = token.idx, token.idx + len(token.text)
        if token.is_space:
            if "\n" in token.text:
                found.append(("\n", "\n", start, end))
            continue
        norm = token.norm_
        parts = pieces(norm)
        if len(parts) == 1:
            found.append((parts[0], fold(token.lemma_), start, end))
        elif set(norm) <= {".", "…"}:
            # A row of dots is a hesitation, not an end.
            found.append(("…", "…", start, end))
        else:
            found.extend((part, fold(lemmas.get(part, part)), start, end) for part in parts)
    return found
