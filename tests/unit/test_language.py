"""Spelling, who is talking, which language, which place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language.classifier import NgramVectorizer, Ranked
from bot.language.detection import detect_language
from bot.language.encoder import (
    MAXIMUM_WINDOWS,
    WINDOW_WORDS,
    EncoderError,
    EncodingCache,
    SentenceEncoder,
    sentence_encoder,
    windows_of,
)
from bot.language.persona import Persona, read_persona
from bot.language.places import PlaceReader
from bot.language.questions import parts_of, questions_of
from bot.language.spelling import clean, normalize
from bot.language.tokenization import MAXIMUM_TOKENS

PLACES = PlaceReader()
# The first misspelled word reads the word lists: not within the deadline of a test.
normalize("schijdingg")


@given(st.text(max_size=200))
def test_cleaning_keeps_every_offset(text: str) -> None:
    assert len(clean(text)) == len(text)


@given(st.text(max_size=200))
def test_normalising_any_text_gives_a_text(text: str) -> None:
    assert isinstance(normalize(text), str)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("mn ouders gaan sgeiden wrm", "mijn ouders gaan scheiden waarom"),
        ("ik ben booooos", "ik ben boos"),
        ("m\u200bijn \u043euders", "mijn ouders"),
        ("idk ff", "weet ik niet even"),
        ("i k  w i l  n i e t  m e e r", "ik wil niet meer"),
        ("p a p a s l a a t m i j", "papa slaat mij"),
        ("groep 8 a en b", "groep 8 a en b"),
    ],
)
def test_chat_spelling_becomes_written_dutch(typed: str, normal: str) -> None:
    assert normalize(typed) == normal


@pytest.mark.parametrize(
    ("typed", "persona"),
    [
        ("ik ben 9 en papa gaat weg", Persona("child", True)),
        ("ik ben 12", Persona("teen", True)),
        ("ik zit in groep 6", Persona("child", True)),
        ("ik ben zijn moeder", Persona("parent", True)),
        ("mn ex komt nooit", Persona("parent", False)),
        ("mijn ouders gaan scheiden", Persona("teen", False)),
        ("ik ben intern begeleider op een basisschool", Persona("professional", True)),
        ("wat is een mediator", None),
        ("ik ben 3 keer verhuisd", None),
    ],
)
def test_who_is_talking_is_read(typed: str, persona: Persona | None) -> None:
    assert read_persona(typed) == persona


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("hoi", "nl"),
        ("ok thanks", "nl"),
        ("ben je een robot", "nl"),
        ("asdf", "nl"),
        ("My parents are splitting up and I need help", "en"),
        ("türkçe konuşabilir miyiz", "tr"),
        ("Jestem w trakcie rozwodu", "pl"),
        ("Потрібна допомога дитині", "uk"),
        ("والداي سينفصلان", "ar"),
        ("mi no por papia hulandes", "pap"),
        ("", "nl"),
    ],
)
def test_the_language_is_read(typed: str, language: str) -> None:
    assert detect_language(typed) == language


@pytest.mark.parametrize(
    ("typed", "municipality"),
    [
        ("ik woon in best", "Best"),
        ("ik vind het best moeilijk", None),
        ("den haag", "'s-Gravenhage"),
        ("ammersfoort", "Amersfoort"),
        ("5701 AB", "Helmond"),
        ("mijn salaris is 2801 euro", None),
        ("in 2018 gingen ze uit elkaar", None),
        ("mn ex is naar Almere verhuisd en ik zit nog in Lelystad", "Lelystad"),
        ("mijn vader woont in Assen en ik in Emmen", "Emmen"),
        ("ik kom uit Bergen", None),
        ("bij ons in de wijk", None),
        ("ik woon in antwerpen", None),
        ("stadshagen zwolle", "Zwolle"),
        ("zelfs in de kelder ruikt het naar hem", None),
    ],
)
def test_the_place_is_read(typed: str, municipality: str | None) -> None:
    assert PLACES.read(typed).municipality == municipality


def test_a_name_of_two_municipalities_gives_both_to_choose_from() -> None:
    assert PLACES.read("ik woon in bergen").candidates == ("Bergen (L.)", "Bergen (NH.)")


def test_a_place_abroad_is_said_to_be_abroad() -> None:
    assert PLACES.read("ik woon in antwerpen").foreign == "Antwerpen"


@given(st.text(max_size=300))
def test_any_text_gives_a_place_reading_within_the_text(text: str) -> None:
    for mention in PLACES.read(text).mentions:
        assert 0 <= mention.start < mention.end <= len(text)


def test_a_long_text_is_read_in_at_most_eight_windows_with_its_start_and_end() -> None:
    words = [f"w{number}" for number in range(WINDOW_WORDS * 30)]
    windows = windows_of(" ".join(words))
    assert len(windows) == MAXIMUM_WINDOWS
    assert windows[0].startswith("w0 ")
    assert windows[-1].endswith(words[-1])


def test_a_message_is_cut_into_what_it_asks() -> None:
    assert parts_of("mijn ouders gaan scheiden en waar moet onze hond heen") == [
        "mijn ouders gaan scheiden",
        "waar moet onze hond heen",
    ]
    assert parts_of("Hoe lang duurt het? En wat kost een mediator eigenlijk?") == [
        "Hoe lang duurt het?",
        "En wat kost een mediator eigenlijk?",
    ]
    assert parts_of("papa en mama zijn lief") == ["papa en mama zijn lief"]
    assert parts_of("wat kost het" + " " * 30 + "en  waar\tmoet onze hond heen") == [
        "wat kost het",
        "waar\tmoet onze hond heen",
    ]


def test_two_questions_about_two_things_are_both_found_in_order() -> None:
    def rank(part: str) -> list[Ranked]:
        return [Ranked("huisdier" if "hond" in part else "kosten_en_toevoeging", 0.9)]

    found = questions_of("wat kost een advocaat en waar moet onze hond heen?", rank)
    assert [one.intent.name for one in found] == ["kosten_en_toevoeging", "huisdier"]


def test_one_question_or_an_unsure_part_is_not_split() -> None:
    asked: list[str] = []

    def rank(part: str) -> list[Ranked]:
        asked.append(part)
        return [Ranked("huisdier" if "hond" in part else "school", 0.9 if "hond" in part else 0.3)]

    assert questions_of("ik ben boos. waar moet onze hond heen?", rank) == []
    assert asked == []
    assert questions_of("wat vindt de juf er van? en waar moet onze hond heen?", rank) == []


def test_scores_of_one_text_are_those_of_its_features() -> None:
    texts = ["mijn ouders gaan scheiden", "mijn hond en mijn kat", "hond hond hond", "waar gaan de hond en de kat heen"]
    vectorizer = NgramVectorizer()
    features = vectorizer.fit_transform(texts)
    weights = np.random.default_rng(1).normal(size=(features.shape[1], 3)).astype(np.float32)
    assert np.allclose(
        vectorizer.scores([*texts, ""], weights), np.vstack([features @ weights, np.zeros(3)]), atol=1e-5
    )

    restored = NgramVectorizer()
    restored.restore(json.loads(json.dumps(vectorizer.state())))
    assert np.allclose(restored.scores(texts, weights), features @ weights, atol=1e-5)


def test_the_tokenizer_gives_pieces_between_marks_and_cuts_long_texts() -> None:
    tokenizer = sentence_encoder().tokenizer
    ids = tokenizer.encode("mijn ouders gaan scheiden")
    assert ids[0] == tokenizer.special["bos"]
    assert ids[-1] == tokenizer.special["eos"]
    assert len(tokenizer.encode("scheiden " * 1000)) == MAXIMUM_TOKENS
    assert tokenizer.special["unknown"] not in tokenizer.encode("Ik ga naar hulp in 's-Hertogenbosch 😢 çok üzgünüm")


def test_the_heads_know_what_a_plain_message_is_about_and_empty_text_is_no_error() -> None:
    encoder = sentence_encoder()
    for text, intent in (
        ("wat is een ouderschapsplan", "ouderschapsplan"),
        ("hoeveel kinderalimentatie moet ik betalen", "kinderalimentatie"),
        ("wie krijgt de hond", "huisdier"),
    ):
        vector = encoder.encode(text)
        assert abs(float(vector @ vector) - 1) < 1e-4
        assert encoder.intents[int(encoder.heads(vector[None]).intents.argmax())] == intent
    danger, calm = (
        encoder.heads(encoder.encode(text)[None]).levels[0, 1] for text in ("papa slaat mij elke dag", "hoi")
    )
    assert danger > 0 > calm
    assert encoder.encode("").shape == (384,)


def test_a_damaged_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="restore it"):
        SentenceEncoder(tmp_path)


def test_cached_vectors_come_back_nearly_equal(tmp_path: Path) -> None:
    encoder = sentence_encoder()
    cache = EncodingCache(tmp_path / "cache.npz")
    meant = encoder.encode("mag ik kiezen bij wie ik woon")
    cache.put("mag ik kiezen bij wie ik woon", meant)
    cache.save()
    found = EncodingCache(tmp_path / "cache.npz").get("mag ik kiezen bij wie ik woon")
    assert found is not None
    assert float(found @ meant) > 0.999
    (tmp_path / "cache.npz").write_bytes(b"damaged")
    assert EncodingCache(tmp_path / "cache.npz").get("mag ik kiezen bij wie ik woon") is None
