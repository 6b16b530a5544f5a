"""The whole risk reader: patterns, classifier and memory together, on messages that must never go wrong."""

from __future__ import annotations

import pytest

from bot.risk.memory import RiskMemory, observe
from bot.risk.reader import RiskReader
from bot.risk.reading import RiskReading

DIRECT = [
    "mijn vader slaat me",
    "papa slaat mij heel vaak",
    "mn pa slaat me elke dag",
    "mijn stiefvader komt s nachts in mijn bed",
    "hij zit aan me en ik wil dat niet",
    "ik wil dood",
    "wil niet meer leven",
    "ik wil niet meer leven",
    "ik snij mezelf",
    "ik ben weggelopen en slaap in het park",
    "mijn ex zegt dat hij me vermoordt",
    "hij heeft een mes en staat voor de deur",
    "ik moet trouwen van mijn vader met een man die ik niet ken",
    "papa heeft mij meegenomen naar een ander land en ik mag niet terug naar mama",
    "I want to kill myself",
    "my dad hits me every day",
    "babam beni dövüyor",
    "mijn man slaat mij waar de kinderen bij zijn",
]
HARMLESS = [
    "ik lach me dood",
    "ik schaam me dood voor mijn ouders",
    "mijn moeder vermoordt me als ik te laat ben haha",
    "hij slaat mij niet, hij roept alleen",
    "wat doet veilig thuis na een melding",
    "wij hebben een cavia en die moet mee naar papa",
    "ik ben bang dat we moeten verhuizen",
    "bij fortnite heb ik hem gekilld",
    "mijn ouders maken ruzie over de vakantie",
    "wat is een ouderschapsplan",
    "hoi",
]


@pytest.mark.parametrize("text", DIRECT)
def test_a_direct_disclosure_is_high_or_acute(reader: RiskReader, text: str) -> None:
    reading = reader.read(text)
    assert reading.needs_human, reading
    assert all(0 <= start < end <= len(text) for start, end in reading.evidence)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_danger_calls_nobody(reader: RiskReader, text: str) -> None:
    assert not reader.read(text).needs_human


@pytest.mark.parametrize(
    "text", ["wieb snarf kwonk tra la blorp", "hoi\nflurp de snorrebol wieb", "plomb gnarf tiep zwolk"]
)
def test_letters_that_are_no_words_are_no_sign(reader: RiskReader, text: str) -> None:
    assert reader.read(text).level == "none"


@pytest.mark.parametrize("text", ["k wl nt mr lvn", "pp slaat m elk dg", "babam beni dövüyor"])
def test_a_disclosure_in_hardly_known_words_is_found(reader: RiskReader, text: str) -> None:
    assert reader.read(text).needs_human


def test_a_negation_reaches_over_or_and_not_over_a_pause(reader: RiskReader) -> None:
    assert not reader.read("hij heeft mij nooit bedreigd of geslagen, we groeiden uit elkaar").needs_human
    assert reader.read("ik wil echt dood, niet zomaar wat zeggen zoals anderen").needs_human


def test_an_idiom_cancels_no_disclosure_beside_it(reader: RiskReader) -> None:
    assert reader.read("ik ben doodmoe, ik wil echt dood").needs_human


def test_a_disclosure_in_the_middle_of_a_long_message_is_found(reader: RiskReader) -> None:
    around = "we hebben het vaak over de vakantie en wie de hond uitlaat en wanneer ik naar voetbal moet. "
    assert reader.read(around * 20 + "en mijn vader slaat mij met zijn riem. " + around * 20).needs_human


def test_any_text_gives_a_reading(reader: RiskReader) -> None:
    for text in ("", " ", "\x00", "\ud83d", "👊" * 500, "a" * 20_000, "nee " * 5_000, "<b>hoi</b>"):
        reading = reader.read(text)
        assert (reading.category is None) == (reading.level == "none")


def test_a_part_that_fails_asks_for_a_look_and_leaves_the_other_working(reader: RiskReader) -> None:
    class Broken:
        def read(self, doc: object) -> list[object]:
            raise RuntimeError

        def scores(self, text: str, vector: object) -> None:
            raise RuntimeError

    def with_broken(patterns: bool, classifier: bool) -> RiskReader:
        return RiskReader(
            reader._nlp,
            reader._encoder,
            Broken() if patterns else reader._patterns,  # type: ignore[arg-type]
            Broken() if classifier else reader._classifier,  # type: ignore[arg-type]
        )

    assert with_broken(True, False).read("mijn vader slaat me").needs_human
    assert with_broken(False, True).read("mijn vader slaat me").needs_human
    assert with_broken(True, True).read("hoi").level == "concern"


def conversation(reader: RiskReader, *turns: str) -> RiskReading:
    memory, highest = RiskMemory(), RiskReading()
    for turn in turns:
        memory, reading = observe(memory, turn, reader.read(turn), reader.read)
        highest = max(highest, reading, key=lambda one: one.severity)
    return highest


def test_a_retraction_keeps_the_level(reader: RiskReader) -> None:
    memory, first = observe(RiskMemory(), "papa slaat me", reader.read("papa slaat me"), reader.read)
    memory, later = observe(memory, "laat maar grapje", reader.read("laat maar grapje"), reader.read)
    assert memory.level == first.level
    assert not later.needs_human


def test_a_yes_after_a_sign_raises(reader: RiskReader) -> None:
    assert conversation(reader, "soms wil ik er niet meer zijn", "ja", "ja op mijn kamer").needs_human


def test_an_ordinary_conversation_raises_nothing(reader: RiskReader) -> None:
    turns = ("hoi", "wat is gezag", "ja", "en wie beslist dat dan", "oke dankje")
    assert conversation(reader, *turns).level == "none"
