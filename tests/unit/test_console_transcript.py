"""The transcript: what is marked, and what a page can hold."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.app import make_templates
from bot.console.labels import LOWERED, RAISED, category_label, effect_label, part_label
from bot.console.reasons import LOWERING_EFFECTS, reasons_of
from bot.console.transcript import Segment, marked, read_transcript
from bot.risk.reader import RiskReader
from bot.risk.reading import CATEGORIES, Part, combine
from tests.console_world import ConsoleWorld


def test_spans_count_code_points_after_emoji() -> None:
    text = "😀👨‍👩‍👧 hij slaat mij"
    start = text.index("slaat")
    assert marked(text, [(start, start + 5)]) == (
        Segment("😀👨‍👩‍👧 hij ", False),
        Segment("slaat", True),
        Segment(" mij", False),
    )


def test_overlapping_and_outlying_spans_are_marked_once_and_cut_off() -> None:
    assert marked("abcdef", [(1, 3), (2, 4), (5, 99), (-4, 0), (9, 12)]) == (
        Segment("a", False),
        Segment("bcd", True),
        Segment("e", False),
        Segment("f", True),
    )


def test_half_an_emoji_keeps_the_offsets_and_can_be_sent() -> None:
    pieces = marked("\ud83d hij slaat", [(6, 11)])
    assert [piece.text for piece in pieces] == ["\N{REPLACEMENT CHARACTER} hij ", "slaat"]
    "".join(piece.text for piece in pieces).encode()


@given(st.text(), st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50))))
def test_no_sign_of_a_text_is_lost(text: str, spans: list[tuple[int, int]]) -> None:
    assert "".join(piece.text for piece in marked(text, spans)) == text


def test_a_text_is_escaped_and_its_evidence_marked(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)
    conversation = world.conversation()
    text = "😀 <script>alert(1)</script> hij slaat mij"
    start = text.index("hij slaat")
    world.person_writes(
        conversation,
        text,
        {
            "intent": {"name": "gevoel_bang", "confidence": 0.514},
            "risk": {
                "level": "high",
                "category": "physical_abuse",
                "score": 0.9,
                "evidence": [[start, start + 9]],
                "parts": [
                    {
                        "name": "pattern:physical_abuse/hits-me",
                        "level": "high",
                        "category": "physical_abuse",
                        "score": 0.9,
                        "spans": [[start, start + 9]],
                    },
                    {"name": "classifier", "level": "high", "category": "physical_abuse", "score": 0.7, "spans": []},
                ],
            },
        },
    )
    with world.database.reading() as connection:
        transcript = read_transcript(connection, world.cipher, conversation)
    line = transcript.lines[0]
    assert line.intent == ("gevoel_bang", 0.514)
    assert line.reasons[0].words == ("hij slaat",)
    macro = make_templates().get_template("parts.html").module.message_line  # type: ignore[attr-defined]
    html = str(macro(line, line.created_at, ZoneInfo("Europe/Amsterdam")))
    assert "<script>" not in html
    assert "😀 &lt;script&gt;alert(1)&lt;/script&gt; <mark>hij slaat</mark> mij" in html
    assert "Uitslag: <strong>Hoog: Lichamelijke mishandeling</strong>" in html
    assert "Patroon “hits me”, op <q" in html and "hij slaat</q>." in html
    assert "Leesmodel" in html and "(90% zeker)" in html and "(70% zeker)" in html


def explained(directory: Path, text: str, *parts: Part, level: str | None = None) -> str:
    """What "Waarom?" says of a message with these parts."""
    world = ConsoleWorld.at(directory)
    conversation = world.conversation()
    risk = combine(parts).as_dict()
    world.person_writes(conversation, text, {"intent": None, "risk": risk | ({"level": level} if level else {})})
    with world.database.reading() as connection:
        line = read_transcript(connection, world.cipher, conversation).lines[0]
    macro = make_templates().get_template("parts.html").module.message_line  # type: ignore[attr-defined]
    html = str(macro(line, line.created_at, ZoneInfo("Europe/Amsterdam")))
    return " ".join(re.sub(r"<[^>]+>", "", html[html.index('<details class="why">') :]).split())


def test_why_names_the_pattern_its_words_and_what_made_it_lighter(tmp_path: Path) -> None:
    part = Part("pattern:physical_abuse/slaan-mij>past", "concern", "physical_abuse", 0.6, ((8, 13), (22, 25)))
    shown = explained(tmp_path, "vroeger sloeg mijn pa mij", part)
    assert "Patroon “slaan mij”, op sloeg, mij. Zorg: Lichamelijke mishandeling (60% zeker)" in shown
    assert "Lichter, want het is verteld als iets van vroeger." in shown


def test_why_names_what_made_it_graver_and_then_lighter(tmp_path: Path) -> None:
    part = Part("pattern:physical_abuse/slaan-mij>now>doubted", "concern", "physical_abuse", 0.4, ((0, 5),))
    shown = explained(tmp_path, "slaat", part)
    assert "Zwaarder, want het gebeurt nu of vandaag." in shown
    assert "Lichter, want het leesmodel vindt het bericht als geheel niet gevaarlijk." in shown


def test_why_names_the_memory_of_the_conversation(tmp_path: Path) -> None:
    shown = explained(tmp_path, "ja", Part("memory:answer", "high", "suicide", 0.7, ((0, 2),)))
    assert "Geheugen van het gesprek: antwoord op een vraag over een eerder signaal. Hoog:" in shown


def test_why_says_it_when_no_danger_was_read_and_when_reading_failed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert "Geen patroon sloeg aan" in explained(tmp_path / "a", "hoi")
    assert "De controle op gevaar werkte niet" in explained(tmp_path / "b", "hoi", level="high")


@pytest.mark.parametrize(
    "text", ["hij slaat mij niet meer", "vroeger sloeg mijn vader mij", "stel dat hij mij slaat", "nu slaat hij mij"]
)
def test_every_effect_of_a_real_reading_is_explained(reader: RiskReader, text: str) -> None:
    effects = [effect for one in reasons_of(reader.read(text), text) for effect in (*one.lowered, *one.raised)]
    assert effects
    assert all(effect_label(effect) != effect for effect in effects)


def test_a_long_conversation_shows_its_last_messages(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)
    conversation = world.conversation()
    for number in range(7):
        world.person_writes(conversation, f"bericht {number}")
    with world.database.reading() as connection:
        last = read_transcript(connection, world.cipher, conversation, limit=3)
        whole = read_transcript(connection, world.cipher, conversation, limit=None)
    assert last.is_cut
    assert [line.segments[0].text for line in last.lines] == ["bericht 4", "bericht 5", "bericht 6"]
    assert not whole.is_cut and len(whole.lines) == 7


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_a_dutch_name(category: str) -> None:
    assert category_label(category) != category


@pytest.mark.parametrize(
    "name",
    ["pattern:suicide/wish-to-die", "classifier", "memory:answer", "memory:together", "memory:build-up", "error:any"],
)
def test_every_part_of_the_reader_is_explained(name: str) -> None:
    assert part_label(name) != name


def test_what_makes_lighter_and_what_makes_graver_are_told_apart() -> None:
    assert set(LOWERED) == LOWERING_EFFECTS
    assert not LOWERING_EFFECTS & set(RAISED)
