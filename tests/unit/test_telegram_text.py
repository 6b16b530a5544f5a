"""Texts as Telegram takes them."""

from __future__ import annotations

import pytest

from bot.channels.telegram_text import MAXIMUM_LENGTH, parts_of


def test_a_short_text_stays_whole() -> None:
    assert parts_of("Hoi.\n\nHoe gaat het?") == ["Hoi.\n\nHoe gaat het?"]


def test_a_long_text_is_cut_between_paragraphs() -> None:
    assert parts_of("eerste alinea\n\ntweede alinea", 20) == ["eerste alinea", "tweede alinea"]


def test_a_text_without_paragraphs_is_cut_between_words() -> None:
    assert parts_of("een twee drie vier", 10) == ["een twee", "drie vier"]


def test_a_text_without_any_break_is_cut_anyway() -> None:
    assert parts_of("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


@pytest.mark.parametrize("text", ["woord " * 3000, "😢" * 5000, "regel\n" * 2000])
def test_every_part_fits_and_no_word_is_lost(text: str) -> None:
    parts = parts_of(text)
    assert all(0 < len(part.encode("utf-16-le")) // 2 <= MAXIMUM_LENGTH for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_lone_surrogate_becomes_something_that_can_be_sent() -> None:
    (part,) = parts_of("au \ud83d au")
    assert part.encode("utf-8").decode() == "au \ufffd au"


def test_an_emoji_stays_whole() -> None:
    assert parts_of("ik ben 😢") == ["ik ben 😢"]
