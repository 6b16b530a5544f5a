"""Words as they sound, so that a misspelled "zelfmoort" or "mishandeld" is still read as what it means.

Only words that Dutch does not have are read by sound: an ordinary word is never taken for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from bot.language.sounding import sound

SHORTEST = 5


class SoundIndex:
    """Finds the words of the patterns that sound like an unknown word."""

    def __init__(self, lemmas: Mapping[str, str], forms: Mapping[str, str]) -> None:
        """Know the Dutch words.

        Args:
            lemmas: the pipeline's table; its words are Dutch and are read as they stand.
            forms: forms of verbs that matter for danger; a misspelled form is read as its infinitive.
        """
        self._dutch = lemmas.keys() | set(lemmas.values())
        self._words: dict[str, set[str]] = defaultdict(set)
        for form, lemma in forms.items():
            if len(form) >= SHORTEST:
                self._words[sound(form)].add(lemma)

    def add(self, word: str) -> None:
        """Add a word of a pattern."""
        if len(word) >= SHORTEST and word.isascii():
            self._words[sound(word)].add(word)

    def alike(self, word: str) -> set[str]:
        """The words of patterns that sound like `word`; none when it is a Dutch word itself."""
        if len(word) < SHORTEST or not word.isalpha() or word in self._dutch:
            return set()
        return self._words.get(sound(word), set())
