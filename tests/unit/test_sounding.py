"""Misspelled words as they sound, and words that run together."""

from __future__ import annotations

import pytest

from bot.language.sounding import heard
from bot.language.spelling import normalize


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ik wil doot", "ik wil dood"),
        ("pappa slaad mij", "papa slaat mij"),
        ("de sgijding", "de scheiding"),
        ("wechgeloope", "weggelopen"),
        ("hijheefteenmesinzijnhand", "hij heeft een mes in zijn hand"),
        ("ik ben keihart gevallen", "ik ben keihard gevallen"),
    ],
)
def test_what_is_typed_is_heard(typed: str, meant: str) -> None:
    assert normalize(typed) == meant


@pytest.mark.parametrize(
    "word", ["hart", "moord", "juli", "wijkhuis", "daan", "noor", "weduwenuitkering", "verdomme", "kms", "unaliven"]
)
def test_a_word_that_is_there_stays_as_it_is(word: str) -> None:
    assert heard(word) == word


def test_the_longest_run_of_letters_is_read_at_once() -> None:
    assert heard("x" * 20_000) == "x" * 20_000
