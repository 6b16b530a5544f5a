"""The transcript: what is marked, and what a page can hold."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.app import make_templates
from bot.console.labels import category_label, part_label
from bot.console.transcript import Segment, marked, read_transcript
from bot.risk.reading import CATEGORIES
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
    assert "Hoog: Lichamelijke mishandeling." in html


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
