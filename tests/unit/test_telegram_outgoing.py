"""The messages that wait to be sent, in a real database."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.channels.telegram_outgoing import CLAIM_SECONDS, Outgoing
from bot.conversation.messages import Button, IncomingMessage
from bot.conversation.store import ConversationStore
from bot.handoff import cases
from bot.handoff.cases import Signal
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.tables import conversations, metadata, outgoing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    database = Database(f"sqlite:///{tmp_path}/wijzer.db")
    metadata.create_all(database.engine)
    return ConversationStore(database, Cipher(os.urandom(32)))


@pytest.fixture
def waiting(store: ConversationStore) -> Outgoing:
    return Outgoing(store.database, store.cipher)


def conversation_of(store: ConversationStore, address: str) -> str:
    return store.receive(IncomingMessage("telegram", address, f"first of {address}", "hoi"), NOW).conversation


def queue(
    store: ConversationStore, conversation: str, *texts: str, buttons: list[dict[str, str]] | None = None
) -> None:
    with store.database.transaction() as connection:
        for text in texts:
            cases.add_message(connection, store.cipher, conversation, "telegram", "bot", text, NOW, choices=buttons)


def test_a_message_comes_out_as_it_went_in(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "Wie ben jij?", buttons=[{"title": "Kind", "payload": "t1"}])
    delivery = waiting.claim(NOW)
    assert delivery is not None
    assert (delivery.address, delivery.text, delivery.buttons) == ("7", "Wie ben jij?", (Button("Kind", "t1"),))


def test_a_claimed_message_is_not_claimed_again_until_the_claim_expires(
    store: ConversationStore, waiting: Outgoing
) -> None:
    queue(store, conversation_of(store, "7"), "hoi")
    assert waiting.claim(NOW) is not None
    assert waiting.claim(NOW) is None
    again = waiting.claim(NOW + timedelta(seconds=CLAIM_SECONDS + 1))
    assert again is not None and again.attempts == 2


def test_a_message_waits_for_the_one_before_it(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "een", "twee")
    first = waiting.claim(NOW)
    assert first is not None and first.text == "een"
    assert waiting.claim(NOW) is None
    waiting.sent(first, NOW)
    second = waiting.claim(NOW)
    assert second is not None and second.text == "twee"


def test_a_chat_that_is_put_off_holds_up_no_other(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "een", "twee")
    queue(store, conversation_of(store, "8"), "drie")
    first = waiting.claim(NOW)
    assert first is not None
    waiting.put_off(first, LATER)
    other = waiting.claim(NOW)
    assert other is not None and other.text == "drie"
    assert waiting.claim(NOW) is None
    again = waiting.claim(LATER)
    assert again is not None and again.text == "een"


def test_a_failed_message_holds_up_nothing(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "een", "twee")
    first = waiting.claim(NOW)
    assert first is not None
    waiting.failed(first, "Forbidden: " + "x" * 500)
    second = waiting.claim(NOW)
    assert second is not None and second.text == "twee"


def test_a_message_that_cannot_be_decrypted_holds_up_nothing(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "een")
    with store.database.transaction() as connection:
        connection.execute(update(conversations).values(address=b"x" * 40))
    queue(store, conversation_of(store, "8"), "twee")
    delivery = waiting.claim(NOW)
    assert delivery is not None and delivery.text == "twee"
    with store.database.reading() as connection:
        assert connection.execute(select(outgoing.c.state).order_by(outgoing.c.id)).scalars().all()[0] == "failed"


def ask_to_erase(store: ConversationStore, conversation: str) -> None:
    with store.database.transaction() as connection:
        connection.execute(update(conversations).where(conversations.c.id == conversation).values(erase_requested=True))


def count_conversations(store: ConversationStore) -> int:
    with store.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(conversations)).scalar_one())


def test_a_conversation_is_erased_with_its_last_message(store: ConversationStore, waiting: Outgoing) -> None:
    conversation = conversation_of(store, "7")
    queue(store, conversation, "een", "alles is weg")
    ask_to_erase(store, conversation)
    first = waiting.claim(NOW)
    assert first is not None
    assert waiting.sent(first, NOW) is False
    second = waiting.claim(NOW)
    assert second is not None
    assert waiting.sent(second, NOW) is True
    assert count_conversations(store) == 0


def test_a_conversation_is_erased_even_when_its_last_message_cannot_be_delivered(
    store: ConversationStore, waiting: Outgoing
) -> None:
    conversation = conversation_of(store, "7")
    queue(store, conversation, "alles is weg")
    ask_to_erase(store, conversation)
    delivery = waiting.claim(NOW)
    assert delivery is not None
    assert waiting.failed(delivery, "Forbidden") is True
    assert count_conversations(store) == 0


def test_a_conversation_with_an_open_case_is_kept(store: ConversationStore, waiting: Outgoing) -> None:
    conversation = conversation_of(store, "7")
    queue(store, conversation, "straks is alles weg")
    ask_to_erase(store, conversation)
    with store.database.transaction() as connection:
        cases.open_or_raise(connection, conversation, Signal("request"), NOW)
    delivery = waiting.claim(NOW)
    assert delivery is not None
    assert waiting.sent(delivery, NOW) is False
    assert count_conversations(store) == 1


def test_sending_to_a_conversation_that_was_erased_meanwhile_is_no_error(
    store: ConversationStore, waiting: Outgoing
) -> None:
    queue(store, conversation_of(store, "7"), "hoi")
    delivery = waiting.claim(NOW)
    assert delivery is not None
    with store.database.transaction() as connection:
        connection.execute(conversations.delete())
    assert waiting.sent(delivery, NOW) is False


def test_claims_of_a_killed_process_can_be_freed(store: ConversationStore, waiting: Outgoing) -> None:
    queue(store, conversation_of(store, "7"), "hoi")
    assert waiting.claim(NOW) is not None
    assert store.next_waiting("telegram", NOW) is not None
    waiting.free_claims()
    assert waiting.claim(NOW) is not None
    assert store.next_waiting("telegram", NOW) is not None
