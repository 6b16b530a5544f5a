"""A long message in parts that are read one by one: a disclosure between ordinary sentences must not drown in them."""

from __future__ import annotations

import re

# A message of so many words or fewer is read as a whole only.
WHOLE_WORDS = 22
FEWEST_WORDS = 5
MOST_WORDS = 26
STEP_WORDS = 14
_ENDS = re.compile(r"(?:(?<=\s)[.!?;…](?=\s|$)\s*)+|\n+")


def segments_of(normal_text: str) -> list[str]:
    """The sentences of a message in normal spelling, where signs stand apart from words.

    Short ones go with the next; a long one, or text without full stops, is cut in windows that overlap. A short message gives
    no segments.
    """
    if len(normal_text.split()) <= WHOLE_WORDS:
        return []
    segments: list[str] = []
    waiting: list[str] = []
    for sentence in _ENDS.split(normal_text):
        waiting += sentence.split()
        if len(waiting) >= FEWEST_WORDS:
            segments += _cut(waiting)
            waiting = []
    if waiting:
        segments.append(" ".join(waiting))
    return segments


def _cut(words: list[str]) -> list[str]:
    if len(words) <= MOST_WORDS:
        return [" ".join(words)]
    last = len(words) - MOST_WORDS
    starts = [*range(0, last, STEP_WORDS), last]
    return [" ".join(words[start : start + MOST_WORDS]) for start in starts]
