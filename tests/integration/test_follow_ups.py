"""Messages that lean on the bot's last turn, with the real engine: choices, yes and no, places, corrections."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sqlalchemy import select

from bot.conversation.choices import chosen
from bot.conversation.corrections import corrected_person, read_correction
from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import Button, Reply
from bot.conversation.rasa_agent import RasaAgent
from bot.conversation.store import ConversationStore
from bot.handoff.texts import text
from bot.storage.tables import cases, conversations
from tests.conftest import Person

pytestmark = pytest.mark.anyio
# Nothing in it is understood, so that the likeliest topics are offered.
UNCLEAR = "blabla foo knurft iets met papieren"


def titles(person: Person) -> list[str]:
    assert person.last is not None
    return [button.title for reply in person.last.replies for button in reply.buttons]


async def offered_topics(engine: ConversationEngine, unclear: str = UNCLEAR) -> Person:
    """Somebody who was just offered topics as buttons."""
    person = Person(engine)
    await person.says("hoi")
    assert text("offer_topics", None) in await person.says(unclear)
    assert len(titles(person)) >= 3
    return person


def choose_variants_alike() -> None:
    """From here on the same answers are drawn where an answer has variants."""
    random.seed(3)
    np.random.seed(3)


def case_levels(store: ConversationStore) -> list[str | None]:
    with store.database.reading() as connection:
        return list(connection.execute(select(cases.c.level)).scalars())


@pytest.mark.parametrize(
    ("typed", "position"),
    [
        ("die eerste", 0),
        ("doe de eerste maar", 0),
        ("de 1e graag", 0),
        ("1", 0),
        ("doe die maar", 0),
        ("de tweede", 1),
        ("ja de 2e", 1),
        ("optie 2", 1),
        ("de derde graag", 2),
        ("de laatste", -1),
        ("doe maar de onderste", -1),
    ],
)
async def test_a_choice_in_words_presses_the_button_that_was_offered(
    engine: ConversationEngine, typed: str, position: int
) -> None:
    pressing, typing = await offered_topics(engine), await offered_topics(engine)
    assert titles(pressing) == titles(typing)
    choose_variants_alike()
    pressed = await pressing.presses(titles(pressing)[position])
    choose_variants_alike()
    assert await typing.says(typed) == pressed


async def test_typing_the_words_of_a_button_presses_it(engine: ConversationEngine) -> None:
    for change in (str, str.lower, lambda title: title.upper().strip("?"), lambda title: f"doe maar {title.lower()}"):
        pressing, typing = await offered_topics(engine), await offered_topics(engine)
        title = titles(pressing)[1]
        choose_variants_alike()
        pressed = await pressing.presses(title)
        choose_variants_alike()
        assert await typing.says(change(title)) == pressed


async def test_typing_the_words_of_a_button_of_any_answer_presses_it(engine: ConversationEngine) -> None:
    pressing, typing = Person(engine), Person(engine)
    for person in (pressing, typing):
        await person.says("hoi")
        await person.says("wat is een ouderschapsplan?")
    title = titles(pressing)[-1]
    assert await typing.says(title.lower()) == await pressing.presses(title)


async def test_a_role_of_the_opening_can_be_typed(person: Person, store: ConversationStore) -> None:
    await person.says("hoi")
    await person.says("de derde")
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.audience)).scalar_one_or_none() in (None, "parent")


async def test_a_typed_payload_is_never_read_as_one_even_after_buttons(
    engine: ConversationEngine, store: ConversationStore
) -> None:
    person = await offered_topics(engine)
    for typed in ("/affirm", "/deny", '/inform{"rol": "ouder"}', "/1"):
        await person.says(typed)
    assert case_levels(store) == []
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.audience)).scalar_one() is None


async def test_without_buttons_a_choice_in_words_presses_nothing(person: Person, store: ConversationStore) -> None:
    await person.says("hoi")
    await person.says("waar kan ik hulp krijgen in Helmond")
    assert titles(person) == []
    await person.says("de laatste")
    assert case_levels(store) == []


async def test_buttons_of_an_earlier_turn_are_not_pressed_by_words(engine: ConversationEngine) -> None:
    person = await offered_topics(engine)
    offered = [await person.presses(titles(person)[0])]
    await person.says("waar kan ik hulp krijgen in Helmond")
    assert await person.says("die eerste") not in offered


async def test_buttons_of_another_conversation_are_not_pressed_by_words(
    engine: ConversationEngine, store: ConversationStore
) -> None:
    one, other = await offered_topics(engine), Person(engine)
    await other.says("hoi")
    assert [reply.buttons for reply in store.offered(other.conversation)] != [
        reply.buttons for reply in store.offered(one.conversation)
    ]
    assert store.offered("no such conversation") == []


async def test_a_disclosure_inside_a_choice_wins(engine: ConversationEngine, store: ConversationStore) -> None:
    person = await offered_topics(engine)
    answer = await person.says("doe de eerste maar, mijn vader slaat me elke dag")
    assert case_levels(store) == ["high"]
    assert "0800" in answer


async def test_a_disclosure_inside_a_correction_wins(engine: ConversationEngine, store: ConversationStore) -> None:
    person = Person(engine)
    await person.says("hoi")
    await person.says("mijn moeder wil verhuizen")
    answer = await person.says("nee ik bedoel mijn vader, die slaat me")
    assert case_levels(store) == ["high"]
    assert text("corrected", "teen") not in answer


@pytest.mark.parametrize("yes", ["ja", "jaa", "ja graag", "doe maar", "ok doe maar"])
async def test_yes_presses_the_yes_button(engine: ConversationEngine, store: ConversationStore, yes: str) -> None:
    person = Person(engine)
    await person.says("hoi")
    await person.says("verwijder dit gesprek")
    assert "Nee" in titles(person)
    assert text("delete_done", None) in await person.says(yes)
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.id)).all() == []


@pytest.mark.parametrize("no", ["nee", "neee", "nee hoor", "liever niet"])
async def test_no_presses_the_no_button(engine: ConversationEngine, store: ConversationStore, no: str) -> None:
    person = Person(engine)
    await person.says("hoi")
    await person.says("verwijder dit gesprek")
    assert text("delete_kept", None) in await person.says(no)
    with store.database.reading() as connection:
        assert len(connection.execute(select(conversations.c.id)).all()) == 1


async def test_a_yes_long_after_the_question_erases_nothing(
    engine: ConversationEngine, store: ConversationStore
) -> None:
    person = Person(engine)
    await person.says("hoi")
    await person.says("verwijder dit gesprek")
    await person.says("dankjewel")
    await person.says("ja")
    with store.database.reading() as connection:
        assert len(connection.execute(select(conversations.c.id)).all()) == 1


async def test_yes_to_the_offer_of_a_human_asks_for_one(engine: ConversationEngine, store: ConversationStore) -> None:
    person = await offered_topics(engine)
    assert text("offer_topics_again", None) in await person.says("foo knurft " + UNCLEAR)
    await person.says("ja graag")
    assert len(case_levels(store)) == 1


@pytest.mark.parametrize("there", ["en in Zwolle?", "in Zwolle dan", "is dat er ook in zwolle?", "nee, in Zwolle"])
async def test_another_place_is_searched_for_the_same_topic(engine: ConversationEngine, there: str) -> None:
    direct, moving = Person(engine), Person(engine)
    for person in (direct, moving):
        await person.says("ik ben vader van twee kinderen")
        await person.says("wat is mediation")
    expected = await direct.says("waar vind ik hulp in Zwolle")
    assert "Zwolle" in expected
    await moving.says("waar vind ik hulp in Helmond")
    assert await moving.says(there) == expected


async def test_a_place_after_an_answer_that_offered_help_nearby_is_searched(engine: ConversationEngine) -> None:
    person = Person(engine)
    await person.says("ik ben vader van twee kinderen")
    await person.says("wat is omgangsbegeleiding")
    assert "Hulp in de buurt" in titles(person)
    assert text("find_service_intro", "parent", place="Helmond") in await person.says("en in Helmond?")


async def test_a_service_that_was_asked_for_is_searched_at_the_next_place_too(agent: RasaAgent) -> None:
    async def moved_to_helmond(asked: str) -> list[str]:
        first = {"text": asked, "intent": {"name": "find_service", "confidence": 0.9}, "municipality": "Zwolle"}
        second = {"text": "en in Helmond?", "intent": {"name": "inform", "confidence": 1.0}, "municipality": "Helmond"}
        there = await agent.answer("test", {"entities": []} | first, None, 20)
        return [
            reply.text for reply in (await agent.answer("test", {"entities": []} | second, there.state, 20)).replies
        ]

    with_service, without = (
        await moved_to_helmond("hulp met mediation in Zwolle"),
        await moved_to_helmond("hulp in Zwolle"),
    )
    assert with_service != without
    assert with_service[1].startswith("Echtscheidingsspreekuur Helmond")


@pytest.mark.parametrize(
    "correction",
    ["ik bedoelde alimentatie", "nee ik bedoel kinderalimentatie", "nee, alimentatie", "sorry ik bedoel alimentatie"],
)
async def test_a_corrected_topic_is_answered(engine: ConversationEngine, correction: str) -> None:
    direct, person = Person(engine), Person(engine)
    for one in (direct, person):
        await one.says("ik ben vader van twee kinderen")
    expected = await direct.says("hoe werkt kinderalimentatie")
    await person.says("wat is een omgangsregeling")
    assert await _answer_of(person, correction) == expected


async def test_not_this_but_that_is_answered(engine: ConversationEngine) -> None:
    direct, person = Person(engine), Person(engine)
    for one in (direct, person):
        await one.says("ik ben vader van twee kinderen")
    expected = await direct.says("wat is een ouderschapsplan")
    await person.says("wat is een omgangsregeling")
    assert await _answer_of(person, "nee, niet de omgangsregeling maar het ouderschapsplan") == expected


async def test_another_person_gets_the_same_topic_anew_and_no_bare_no(engine: ConversationEngine) -> None:
    person = Person(engine)
    await person.says("hoi")
    first = await person.says("mijn moeder gaat verhuizen naar een andere stad")
    again = await person.says("nee ik bedoel mijn vader")
    assert text("corrected", "teen") in again
    assert first in again


@pytest.mark.parametrize(
    "correction",
    ["nee, niet voor mij maar voor mijn zoon", "nee voor mijn dochter", "het gaat niet om mij maar om mijn kind"],
)
async def test_for_my_child_gets_the_words_for_a_parent(
    engine: ConversationEngine, store: ConversationStore, correction: str
) -> None:
    parent, person = Person(engine), Person(engine)
    await parent.says("ik ben vader van twee kinderen")
    expected = await parent.says("wat is een kindgesprek")
    await person.says("hoi")
    await person.says("wat is een kindgesprek")
    assert await _answer_of(person, correction) == expected


async def test_a_corrected_role_gets_the_same_topic_in_its_words(engine: ConversationEngine) -> None:
    parent, person = Person(engine), Person(engine)
    await parent.says("ik ben vader van twee kinderen")
    expected = await parent.says("wat is een omgangsregeling")
    await person.says("ik ben 9")
    await person.says("wat is een omgangsregeling")
    assert expected in await person.says("nee ik ben zijn moeder")


async def test_a_search_for_my_child_lists_help_for_children(engine: ConversationEngine) -> None:
    person = Person(engine)
    await person.says("ik ben vader van twee kinderen")
    mine = await person.says("waar vind ik hulp in Helmond")
    his = await person.says("nee, niet voor mij maar voor mijn zoon")
    assert text("find_service_intro", "parent", place="Helmond") in mine
    assert text("find_service_intro", "parent", place="Helmond") in his
    assert mine not in his
    assert "Echtscheidingsspreekuur" in mine
    assert "Echtscheidingsspreekuur" not in his


async def test_a_bare_no_stays_a_no(person: Person) -> None:
    await person.says("hoi")
    await person.says("wat is een kindgesprek")
    assert await person.says("nee hoor") == text("no_without_question", None)


@pytest.mark.parametrize(
    "plain",
    [
        "nee",
        "het is niet leuk maar ik red me wel",
        "ik ben bang",
        "wat bedoel je",
        "ik bedoel",
        "nee ik wil dat echt niet meer horen",
        "hoe gaat het met mijn vader",
    ],
)
def test_these_correct_nobody(plain: str) -> None:
    correction = read_correction(plain)
    assert correction is None or (not correction.is_clear and corrected_person(correction.rest, []) is None)


@pytest.mark.parametrize(
    "plain", ["niet die eerste", "mijn eerste kind", "de tweede vrouw van papa", "ik ben 2", "dat is gemeen", "nee"]
)
def test_these_choose_nothing(plain: str) -> None:
    offers = [Reply("Bedoel je een van deze?", (Button("School", "/school"), Button("Verhuizen", "/verhuizen")))]
    assert chosen(plain, offers, "nlu_fallback", 0.3) is None


async def _answer_of(person: Person, correction: str) -> str:
    """What is answered, without the sentence that takes up a correction."""
    answer = await person.says(correction)
    intro = text("corrected", "parent")
    return answer.removeprefix(intro + "\n")
