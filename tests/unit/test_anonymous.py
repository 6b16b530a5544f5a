"""What the program takes out of a text before a colleague reads it, and what it leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.console.anonymous import anonymous, left_over


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Sanne slaat mij elke dag", "[naam] slaat mij elke dag"),
        ("ik heet sanne en mijn broertje sem is bang", "ik heet [naam] en mijn broertje [naam] is bang"),
        ("haar stiefvader Jan de Vries sloeg haar", "haar stiefvader [naam] sloeg haar"),
        ("ik woon in helmond, mijn oma in Deurne", "ik woon in [plaats], mijn oma in [plaats]"),
        ("wij wonen op de Dorpsstraat 12a, 5701 AB Helmond", "wij wonen op de [adres], [postcode] [plaats]"),
        ("bel 06-12345678 of +31 6 12 34 56 78", "bel [telefoon] of [telefoon]"),
        ("mail sanne.devries@gmail.com", "mail [e-mail]"),
        ("mijn insta is sannetje_09, of @sanne.x", "mijn insta is [naam], of [naam]"),
        ("op 12 maart 2024 en op 3/4 sloeg hij mij", "op [datum] en op [datum] sloeg hij mij"),
        ("ik ben 12, mijn zusje is 8 jaar", "ik ben [leeftijd], mijn zusje is [leeftijd] jaar"),
        ("mijn dochter van 6 en mijn zoon (9)", "mijn dochter van [leeftijd] en mijn zoon ([leeftijd])"),
        ("mijn bsn is 123456782", "mijn bsn is [nummer]"),
    ],
)
def test_what_points_at_somebody_is_replaced_by_what_it_was(typed: str, expected: str) -> None:
    assert anonymous(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "ik wil dood en niemand snapt mij",
        "IK WIL NIET MEER LEVEN",
        "Soms wil ik dood. Niemand helpt mij. Gisteren ook niet.",
        "Papa slaat mij 3 keer, om 20:30 weer 😢",
        "ik belde 112, 113 en de Kindertelefoon op 0800-0432",
        "mijn zusje slaat mij",
    ],
)
def test_what_the_reader_of_danger_needs_stays(typed: str) -> None:
    assert anonymous(typed) == typed


def test_a_text_that_was_made_anonymous_holds_nothing_that_surely_finds_somebody() -> None:
    typed = "mail sanne@school.nl of 0612345678, wij wonen op 5701 AB 12, zie www.sanne.nl"
    assert left_over(typed) == ["sanne@school.nl", "0612345678", "5701 AB", "www.sanne.nl"]
    assert left_over(anonymous(typed)) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_made_anonymous(text: str) -> None:
    assert left_over(anonymous(text)) == []
