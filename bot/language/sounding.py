"""Words as they sound, and words that run together: "doot" is "dood", "ikwildood" is "ik wil dood".

Only what is no Dutch word and not common here is read so: an ordinary word is never taken for another. The common words stand
in `common_words.txt`, made from the training data by `python -m bot.language.sounding`.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from pathlib import Path

from rapidfuzz.distance import DamerauLevenshtein

COMMON_WORDS_FILE = Path(__file__).with_name("common_words.txt")
SHORTEST = 4
SHORTEST_RUN = 7
# From how many times on a word in the training data is known; meant by a misspelled one; a part of words that run together.
KNOWN, MEANT, PART = 3, 12, 25
# A spelling that Dutch does not have is a slip when the word that it sounds like is so many times as common.
RATIO = 15
# One of these is always among words that run together; a compound ("wijkhuis") has none of them. They may be short, others not.
_LITTLE_WORDS = frozenset(
    [
        "ik",
        "hij",
        "ze",
        "we",
        "mijn",
        "mij",
        "niet",
        "een",
        "het",
        "heeft",
        "heb",
        "wil",
        "aan",
        "als",
        "papa",
        "mama",
        "is",
        "in",
    ]
)
SHORTEST_PART = 3
# Words that the table of lemmas does not know and that sound like a more common one.
_DUTCH_TOO = frozenset(
    [
        "chat",
        "juli",
        "kern",
        "stoom",
        "camp",
        "klei",
        "hell",
        "hits",
        "bali",
        "homs",
        "ties",
        "find",
        "self",
        "shelf",
        "verdomme",
    ]
)
_SPELLINGS = (
    (re.compile("y|ei"), "ij"),
    (re.compile("ou"), "au"),
    (re.compile("ch"), "g"),
    (re.compile("ph|v"), "f"),
    (re.compile("ck|c|q"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("z"), "s"),
    (re.compile("ie"), "i"),
    (re.compile(r"([^\W\d_])\1+"), r"\1"),
    (re.compile("(?:dt|d|t)$"), "t"),
    (re.compile("b$"), "p"),
    (re.compile("h"), ""),
    (re.compile("n$"), ""),
)

_WORD = re.compile(r"[^\W\d_]+")


def sound(word: str) -> str:
    """A key that words with the same sound share."""
    for spelling, plain in _SPELLINGS:
        word = spelling.sub(plain, word)
    return word


def heard(word: str) -> str:
    """The word that is meant, or the words that run together in it; the word itself where that is not clear.

    Args:
        word: in lower case, normal spelling otherwise.
    """
    if len(word) < SHORTEST or not word.isascii() or not word.isalpha() or word in _dutch() or word in _DUTCH_TOO:
        return word
    typed = _common_words().get(word, 0)
    meant = [
        (DamerauLevenshtein.distance(word, one), -count, one)
        for one, count in _by_sound().get(sound(word), ())
        if count >= typed * RATIO
    ]
    if meant and min(meant)[0] <= len(word) / 2:
        return min(meant)[2]
    return word if typed >= KNOWN else _apart(word) or word


def known_share(text: str) -> float:
    """Share (0-1) of the words of a text in normal spelling that are known; 1 for a text without words."""
    words = _WORD.findall(text)
    return sum(word in _dutch() or word in _common_words() for word in words) / len(words) if words else 1.0


def _apart(word: str) -> str | None:
    """The likeliest common words that a run of letters is made of, one of them little."""
    if len(word) < SHORTEST_RUN:
        return None
    likely = _parts()
    best: list[tuple[float, list[str]] | None] = [(0.0, []), *([None] * len(word))]
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 16), end - 1):
            before, part = best[start], word[start:end]
            if before is not None and part in likely:
                score = before[0] + likely[part]
                known = best[end]
                if known is None or score > known[0]:
                    best[end] = (score, [*before[1], part])
    found = best[-1]
    if found is None or len(found[1]) < 2 or len(found[1]) > len(word) / 3 or _LITTLE_WORDS.isdisjoint(found[1]):
        return None
    return " ".join(found[1])


@functools.lru_cache(maxsize=1)
def dutch_lemmas() -> dict[str, str]:
    """SpaCy's Dutch lemma table (package `spacy-lookups-data`), lower-case forms only."""
    import spacy_lookups_data

    file = Path(spacy_lookups_data.__file__).parent / "data" / "nl_lemma_lookup.json.gz"
    with gzip.open(file, "rt", encoding="utf-8") as content:
        table: dict[str, str] = json.load(content)
    return {form.lower(): lemma.lower() for form, lemma in table.items() if form == form.lower()}


@functools.lru_cache(maxsize=1)
def _common_words() -> dict[str, int]:
    lines = COMMON_WORDS_FILE.read_text(encoding="utf-8").split("\n")
    return {word: int(count) for word, _, count in (line.partition(" ") for line in lines) if count}


@functools.lru_cache(maxsize=1)
def _dutch() -> Set[str]:
    table = dutch_lemmas()
    return table.keys() | set(table.values())


@functools.lru_cache(maxsize=1)
def _by_sound() -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for word, count in _common_words().items():
        if count >= MEANT and len(word) >= SHORTEST:
            found[sound(word)].append((word, count))
    return found


@functools.lru_cache(maxsize=1)
def _parts() -> dict[str, float]:
    counts = {
        word: count
        for word, count in _common_words().items()
        if count >= PART and (len(word) >= SHORTEST_PART or word in _LITTLE_WORDS)
    }
    total = sum(counts.values())
    return {word: math.log(count / total) for word, count in counts.items()}


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word stands in texts of normal spelling; only words of Latin letters."""
    return Counter(word for text in texts for word in text.split() if word.isascii() and word.isalpha())


def main() -> None:
    """Write the common words of the training data, and every word of the product's own tables."""
    from bot.language.examples import NLU_DIRECTORY, read_json_lines, training_examples
    from bot.language.spelling import CHAT_WORDS, typed_form

    texts = [one.text for one in training_examples()]
    for file in sorted((NLU_DIRECTORY / "risk").glob("*.jsonl")):
        texts += [str(one["text"]) for one in read_json_lines(file)]
    counts = count_words(" ".join(typed_form(word) for word in re.findall(r"[^\W_]+", text)) for text in texts)
    for value in CHAT_WORDS.values():
        for word in value.split():
            counts[word] = max(counts[word], KNOWN)
    lines = [f"{word} {count}" for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    kept = [line for line in lines if int(line.rpartition(" ")[2]) >= KNOWN]
    COMMON_WORDS_FILE.write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
