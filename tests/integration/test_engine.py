"""The engine with real Rasa, the real reader and a real database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

import pytest
from sqlalchemy import func, select, update

from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import IncomingMessage, UnknownButton, UnknownConversation
from bot.conversation.rasa_agent import DialogueFailed
from bot.conversation.store import ConversationStore, LeaseLost
from bot.handoff import cases
from bot.handoff.texts import text
from bot.settings import Settings
from bot.storage.notifications import Notifications
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, incoming, messages, staff
from tests.conftest import Person

pytestmark = pytest.mark.anyio


def open_cases(store: ConversationStore) -> list[cases.QueueEntry]:
    with store.database.reading() as connection:
        return cases.queue(connection)


def add_staff(store: ConversationStore) -> int:
    now = datetime.now(timezone.utc)
    with store.database.transaction() as connection:
        return connection.execute(
            staff.insert().values(name="Noor", role="staff", created_at=now, last_seen_at=now)
        ).inserted_primary_key[0]


async def test_the_first_message_gets_the_opening_and_an_answer(person: Person) -> None:
    answer = await person.says("wat is een ouderschapsplan")
    assert person.last is not None
    assert person.last.replies[0].text == text("opening_web", None)
    assert "afspraken" in answer


async def test_a_child_and_a_father_get_two_answers_to_the_same_question(engine: ConversationEngine) -> None:
    child, father = Person(engine), Person(engine)
    await child.says("ik ben 9")
    await father.says("ik ben vader van twee kinderen")
    question = "wat is een omgangsregeling"
    assert await child.says(question) != await father.says(question)


async def test_a_role_can_be_given_by_a_button(person: Person, store: ConversationStore) -> None:
    await person.says("hoi")
    await person.presses("Ik ben een kind")
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.audience)).scalar_one() == "child"


async def test_a_disclosure_opens_a_case_and_gets_the_safety_text(person: Person, store: ConversationStore) -> None:
    answer = await person.says("mijn vader slaat me elke dag met zijn riem")
    assert person.last is not None
    assert person.last.handoff == "waiting"
    assert "0800-2000" in answer
    [entry] = open_cases(store)
    assert (entry.state, entry.reason) == ("waiting", "risk")
    assert entry.level in ("high", "acute")


async def test_a_disclosure_inside_a_form_opens_a_case_and_ends_the_form(
    person: Person, store: ConversationStore
) -> None:
    await person.says("hoi")
    assert text("ask_municipality", None) in await person.says("waar kan ik hulp krijgen")
    answer = await person.says("in Helmond, en mijn stiefvader slaat mij elke avond")
    assert "0800-2000" in answer
    assert text("ask_municipality", None) not in answer
    assert len(open_cases(store)) == 1
    row = store.load(person.conversation)
    slots = {event["name"]: event["value"] for event in row.tracker or [] if event["event"] == "slot"}
    assert slots.get("municipality") is None
    assert text("ask_municipality", None) not in await person.says("dankje")


async def test_a_later_hello_opens_no_second_case(person: Person, store: ConversationStore) -> None:
    await person.says("ik word thuis elke dag geslagen door mijn vader")
    await person.says("hoi")
    await person.says("laat maar was een grapje")
    [entry] = open_cases(store)
    assert entry.level in ("high", "acute")


async def test_a_second_graver_disclosure_raises_the_open_case(person: Person, store: ConversationStore) -> None:
    await person.says("ik word thuis elke week geslagen door mijn vader")
    await person.says("hij staat nu voor mijn deur met een mes en ik kan niet weg")
    [entry] = open_cases(store)
    assert entry.level == "acute"


async def test_after_a_human_closed_a_new_disclosure_opens_a_new_case(person: Person, store: ConversationStore) -> None:
    await person.says("ik word thuis elke dag geslagen door mijn vader")
    staff_id, now = add_staff(store), datetime.now(timezone.utc)
    [entry] = open_cases(store)
    with store.database.transaction() as connection:
        cases.claim(connection, entry.id, staff_id, now)
        cases.close(connection, store.cipher, entry.id, staff_id, "helped", "", now)
    await person.says("hij heeft me weer geslagen, elke dag slaat hij me")
    assert len(open_cases(store)) == 1
    assert open_cases(store)[0].id != entry.id


async def test_the_bot_is_silent_while_a_human_has_the_conversation(person: Person, store: ConversationStore) -> None:
    await person.says("ik wil met een mens praten")
    [entry] = open_cases(store)
    staff_id = add_staff(store)
    with store.database.transaction() as connection:
        cases.claim(connection, entry.id, staff_id, datetime.now(timezone.utc))
    assert await person.says("wat is een ouderschapsplan") == ""
    assert person.last is not None
    assert person.last.handoff == "active"


async def test_a_disclosure_to_a_human_raises_the_case_too(person: Person, store: ConversationStore) -> None:
    await person.says("ik wil met een mens praten")
    [entry] = open_cases(store)
    with store.database.transaction() as connection:
        cases.claim(connection, entry.id, add_staff_in(connection), datetime.now(timezone.utc))
    await person.says("mijn vader slaat me elke dag")
    assert open_cases(store)[0].level in ("high", "acute")


def add_staff_in(connection) -> int:  # type: ignore[no-untyped-def]
    now = datetime.now(timezone.utc)
    return connection.execute(
        staff.insert().values(name="Sam", role="staff", created_at=now, last_seen_at=now)
    ).inserted_primary_key[0]


async def test_who_waits_hears_honestly_whether_somebody_is_there(
    person: Person, store: ConversationStore, engine: ConversationEngine
) -> None:
    away = await person.says("ik wil een mens spreken")
    assert text("handoff_waiting_present", None) not in away
    add_staff(store)
    present = await Person(engine).says("ik wil een mens spreken")
    assert text("handoff_waiting_present", None) in present


async def test_a_second_request_says_that_a_human_was_called_already(person: Person) -> None:
    await person.says("ik wil een mens spreken")
    assert text("handoff_already_waiting", None) in await person.says("mag ik een echt mens spreken aub")


@pytest.mark.parametrize(
    "typed", ["/restart", '/inform{"rol": "ouder"}', "/request_human", "//help", " /delete_data", "\u2003/affirm"]
)
async def test_what_a_person_types_is_never_a_payload(
    engine: ConversationEngine, store: ConversationStore, typed: str
) -> None:
    person = Person(engine)
    await person.says(typed)
    with store.database.reading() as connection:
        reading = store.cipher.decrypt_json(
            connection.execute(
                select(messages.c.reading).where(messages.c.author == "person").order_by(messages.c.id.desc()).limit(1)
            ).scalar_one(),
            "reading",
        )
    # A payload would be certain; a text is read by the classifier.
    assert reading["ranking"], "read as a payload"
    assert reading["intent"]["confidence"] < 1.0
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.audience)).scalar_one() is None


async def test_not_understood_twice_offers_a_human(person: Person) -> None:
    await person.says("hoi")
    answers = [await person.says(words) for words in ("flurp de snorrebol wieb", "wieb snarf kwonk tra la blorp")]
    assert person.last is not None
    titles = [button.title for reply in person.last.replies for button in reply.buttons]
    assert "Praat met een mens" in titles, answers


async def test_erasing_asks_first_and_then_erases_everything(person: Person, store: ConversationStore) -> None:
    await person.says("verwijder dit gesprek")
    answer = await person.says("ja")
    assert text("delete_done", None) in answer
    with store.database.reading() as connection:
        for table in (conversations, messages, incoming):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
    with pytest.raises(UnknownConversation):
        await person.says("hoi")


async def test_no_keeps_the_conversation(person: Person) -> None:
    await person.says("verwijder mijn gegevens")
    assert text("delete_kept", None) in await person.says("nee")
    await person.says("hoi")


async def test_a_conversation_that_a_human_has_to_see_is_erased_after_that(
    person: Person, store: ConversationStore
) -> None:
    await person.says("mijn vader slaat me elke dag")
    await person.says("wis dit gesprek")
    assert text("delete_after_case", "teen") in await person.says("ja")
    [entry] = open_cases(store)
    staff_id, now = add_staff(store), datetime.now(timezone.utc)
    with store.database.transaction() as connection:
        cases.claim(connection, entry.id, staff_id, now)
        cases.close(connection, store.cipher, entry.id, staff_id, "helped", "", now)
        assert cases.erase_if_asked(connection, person.conversation)
    with pytest.raises(UnknownConversation):
        store.load(person.conversation)


async def test_repeated_signs_of_escalation_offer_the_next_help_unasked(person: Person) -> None:
    await person.says("ik ben moeder")
    await person.says("mijn ex brengt de kinderen nooit op tijd terug, afspraken betekenen niks voor hem")
    answer = await person.says("praten met mijn ex loopt altijd uit op ruzie, hoe doe ik dat rustig")
    assert text("ladder_1", "parent") in answer


async def test_help_near_a_place_is_listed(person: Person) -> None:
    await person.says("ik ben vader, waar vind ik hulp bij mij in de buurt")
    answer = await person.says("Helmond")
    assert "Echtscheidingsspreekuur Helmond" in answer or "Duurzaam Ouderschap Helmond" in answer


async def test_a_question_inside_the_form_is_answered_and_the_form_goes_on(person: Person) -> None:
    await person.says("waar kan ik hulp krijgen")
    answer = await person.says("wat is gezag")
    assert "gezag" in answer.lower()
    assert text("ask_municipality", None) in answer


async def test_who_would_rather_not_say_where_gets_what_is_national(person: Person) -> None:
    await person.says("waar kan ik hulp krijgen")
    assert text("find_service_national_intro", None) in await person.presses("Liever niet zeggen")


async def test_another_language_gets_its_card_and_a_button_to_a_human(person: Person, store: ConversationStore) -> None:
    answer = await person.says("My parents are splitting up and I do not speak Dutch very well. Who can I talk to?")
    assert text("language_card_en", None) in answer
    await person.presses("Talk to a human")
    assert [entry.reason for entry in open_cases(store)] == ["request"]


async def test_the_same_message_id_gives_the_same_outcome_and_is_handled_once(
    engine: ConversationEngine, store: ConversationStore
) -> None:
    message = IncomingMessage("web", "", "one-and-the-same", "hoi")
    first, second = await asyncio.gather(engine.handle(message), engine.handle(message))
    assert first == second == await engine.handle(message)
    with store.database.reading() as connection:
        count = select(func.count()).select_from(messages).where(messages.c.author == "person")
        assert connection.execute(count).scalar_one() == 1


async def test_many_messages_at_once_in_one_conversation_are_all_answered(
    person: Person, store: ConversationStore, engine: ConversationEngine
) -> None:
    await person.says("hoi")
    sent = [IncomingMessage("web", person.conversation, f"m{number}", "wat is gezag") for number in range(8)]
    outcomes = await asyncio.gather(*(engine.handle(message) for message in sent))
    assert all(outcome.replies for outcome in outcomes)
    with store.database.reading() as connection:
        assert connection.execute(select(conversations.c.lease_owner)).scalar_one() is None


async def test_an_unknown_conversation_and_a_strange_button_are_refused(
    engine: ConversationEngine, person: Person
) -> None:
    with pytest.raises(UnknownConversation):
        await engine.handle(IncomingMessage("web", "nobody", "x", "hoi"))
    await person.says("hoi")
    other = Person(engine)
    await other.says("hoi")
    assert other.last is not None
    token = next(button.payload for reply in other.last.replies for button in reply.buttons)
    with pytest.raises(UnknownButton):
        await engine.handle(IncomingMessage("web", person.conversation, "y", "", token))


class BrokenDialogue:
    """Rasa that fails at one of its steps."""

    def __init__(self, agent, step: str) -> None:  # type: ignore[no-untyped-def]
        self._agent, self._step = agent, step

    async def parse(self, text, timeout_seconds):  # type: ignore[no-untyped-def]
        if self._step == "parse":
            raise DialogueFailed("broken")
        return await self._agent.parse(text, timeout_seconds)

    async def parse_payload(self, payload, timeout_seconds):  # type: ignore[no-untyped-def]
        raise DialogueFailed("broken")

    async def answer(self, conversation, parsed, state, timeout_seconds):  # type: ignore[no-untyped-def]
        raise DialogueFailed("broken")


@pytest.mark.parametrize("step", ["parse", "answer"])
async def test_when_rasa_fails_a_disclosure_still_opens_a_case_and_gets_the_safety_text(
    step: str,
    store,
    agent,
    reader,  # type: ignore[no-untyped-def]
) -> None:
    engine = ConversationEngine(store, BrokenDialogue(agent, step), reader, Notifications(store.database), Settings())
    person = Person(engine)
    assert "0800-2000" in await person.says("mijn vader slaat me elke dag")
    [entry] = open_cases(store)
    assert entry.reason == "risk"


async def test_when_rasa_fails_an_ordinary_message_gets_an_apology_and_a_human_looks(store, agent, reader) -> None:  # type: ignore[no-untyped-def]
    engine = ConversationEngine(
        store, BrokenDialogue(agent, "parse"), reader, Notifications(store.database), Settings()
    )
    person = Person(engine)
    assert text("technical_problem", None) in await person.says("wat is een ouderschapsplan")
    assert [entry.reason for entry in open_cases(store)] == ["error"]


async def test_when_the_reader_fails_too_a_human_is_called(store, agent) -> None:  # type: ignore[no-untyped-def]
    class BrokenReader:
        def read(self, text: str):  # type: ignore[no-untyped-def]
            raise RuntimeError("broken")

    engine = ConversationEngine(
        store, BrokenDialogue(agent, "parse"), BrokenReader(), Notifications(store.database), Settings()
    )
    await Person(engine).says("iets")
    [entry] = open_cases(store)
    assert entry.level == "high"


async def test_who_lost_the_lease_writes_nothing(store: ConversationStore, person: Person) -> None:
    await person.says("hoi")
    received = store.receive(IncomingMessage("web", person.conversation, "z", "hoi"), datetime.now(timezone.utc))
    assert received.outcome is None
    from bot.conversation.engine import _WaitingTexts
    from bot.conversation.store import Changes

    changes = Changes(IncomingMessage("web", person.conversation, "z", "hoi"), "hoi")
    with pytest.raises(LeaseLost):
        store.close(received, "nobody", changes, datetime.now(timezone.utc), _WaitingTexts(Settings()))
    with store.database.reading() as connection:
        handled = connection.execute(select(incoming.c.handled_at).where(incoming.c.update_id == "z")).scalar_one()
    assert handled is None


async def test_an_expired_lease_is_taken_over(store: ConversationStore, person: Person) -> None:
    await person.says("hoi")
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    with store.database.transaction() as connection:
        connection.execute(update(conversations).values(lease_owner="killed", lease_until=past))
    assert await person.says("wat is gezag")


async def test_nothing_that_was_typed_lies_readable_in_the_database(person: Person, store: ConversationStore) -> None:
    await person.says("mijn konijn heet Stampertje en mijn vader slaat me")
    with store.database.reading() as connection:
        for table in (conversations, messages, incoming, case_table):
            for row in connection.execute(select(table)):
                assert "Stampertje" not in repr(tuple(row))
    files = list(__import__("pathlib").Path(str(store.database.url.database)).parent.glob("wijzer.db*"))
    assert files and all(b"Stampertje" not in file.read_bytes() for file in files)


async def test_a_long_conversation_stays_quick_and_keeps_its_form(person: Person, store: ConversationStore) -> None:
    await person.says("waar kan ik hulp krijgen")
    for _ in range(25):
        await person.says("wat is gezag")
    row = store.load(person.conversation)
    assert len(row.tracker or []) < 80
    assert text("ask_municipality", None) in await person.says("wat is een mediator")


async def test_two_questions_in_one_message_are_both_answered_in_order(engine: ConversationEngine) -> None:
    alone, both = Person(engine), Person(engine)
    await alone.says("hoi")
    first = await alone.says("wat is een ouderschapsplan?")
    second = await alone.says("wat is een omgangshuis?")
    await both.says("hoi")
    answer = await both.says("wat is een ouderschapsplan? en wat is een omgangshuis?")
    assert 0 <= answer.find(first[:60]) < answer.find(second[:60])


async def test_a_question_that_points_back_is_understood_with_the_last_subject(engine: ConversationEngine) -> None:
    person = Person(engine)
    await person.says("hoi")
    await person.says("wat is mediation")
    costs = await person.says("en hoeveel kost dat?")
    assert "€" in costs or "kost" in costs.lower()
    other = Person(engine)
    await other.says("hoi")
    await other.says("wat is alimentatie voor de kinderen?")
    assert await other.says("en hoe lang moet dat?") != text("offer_topics", None)
