"""Danger cannot be switched off by accident: whatever came before, whatever fails, a disclosure has a case and a safe reply."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import IncomingMessage, Outcome, UnknownConversation
from bot.conversation.rasa_agent import DialogueFailed, RasaAgent
from bot.conversation.store import ConversationStore
from bot.evaluation import read_functions
from bot.handoff import cases
from bot.risk.reader import RiskReader
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications
from tests.integration.test_engine import add_staff

FUNCTIONS = Path(__file__).resolve().parents[1] / "functions" / "risk_functions.yml"
DISCLOSURES = [case.turns[0] for case in read_functions(FUNCTIONS) if case.function.startswith("direct_")]
# What a conversation can hold before: it leaves the dialogue in a form, after a question, paused, in another language.
BEFORE = st.lists(
    st.sampled_from(
        [
            "hoi",
            "ik ben 9",
            "waar kan ik hulp krijgen",
            "in Bergen",
            "wat is een ouderschapsplan en wat kost een advocaat?",
            "verwijder dit gesprek",
            "ik wil met een mens praten",
            "asdf qwer",
            "/restart",
            "/help",
            "",
            "can we speak english",
            "türkçe konuşabilir miyiz",
            "nee",
            "ja",
            "stomme bot",
            "opnieuw beginnen",
            "laat maar was een grapje",
        ]
    ),
    max_size=4,
)
FAILURES = st.sampled_from([None, None, "parse", "answer", "late", "reader"])


@contextmanager
def new_store() -> Iterator[ConversationStore]:
    """A store on a fresh database; hypothesis plays many conversations within one test, so a fixture would be shared."""
    with tempfile.TemporaryDirectory() as directory:
        cipher = Cipher(os.urandom(32))
        database = Database(f"sqlite:///{directory}/wijzer.db")
        database.prepare(cipher)
        try:
            yield ConversationStore(database, cipher)
        finally:
            database.close()


class Failing:
    """Rasa that fails at one step, or is late."""

    def __init__(self, agent: RasaAgent, step: str | None) -> None:
        self.agent = agent
        self.step = step

    async def parse(self, text: str, timeout_seconds: float) -> dict[str, Any]:
        if self.step == "parse":
            raise DialogueFailed("broken")
        if self.step == "late":
            raise DialogueFailed(f"no answer within {timeout_seconds} seconds")
        return await self.agent.parse(text, timeout_seconds)

    async def parse_payload(self, payload: str, timeout_seconds: float) -> dict[str, Any]:
        return await self.agent.parse_payload(payload, timeout_seconds)

    async def answer(self, *arguments: Any) -> Any:
        if self.step == "answer":
            raise DialogueFailed("broken")
        return await self.agent.answer(*arguments)


class BrokenReader:
    """A reader that raises on everything."""

    def read(self, text: str) -> Any:
        raise RuntimeError("broken")


async def _last_outcome(
    store: ConversationStore,
    agent: RasaAgent,
    reader: Any,
    before: list[str],
    disclosure: str,
    failure: str | None,
    button: int | None,
) -> tuple[Outcome, list[cases.QueueEntry]]:
    channel, conversation = "web", ""
    outcome = None
    calm = ConversationEngine(store, agent, reader, Notifications(store.database), Settings())
    for text in [*before, "hoi"]:
        try:
            outcome = await calm.handle(IncomingMessage(channel, conversation, os.urandom(8).hex(), text))
        except UnknownConversation:  # it was erased as asked: the next message starts a new one
            outcome = await calm.handle(IncomingMessage(channel, "", os.urandom(8).hex(), text))
        conversation = outcome.conversation
    buttons = [one for reply in outcome.replies for one in reply.buttons] if outcome else []
    if button is not None and buttons:
        pressed = buttons[button % len(buttons)]
        outcome = await calm.handle(IncomingMessage(channel, conversation, os.urandom(8).hex(), "", pressed.payload))
        conversation = outcome.conversation
    failing = ConversationEngine(
        store,
        Failing(agent, "parse" if failure == "reader" else failure),
        BrokenReader() if failure == "reader" else reader,  # type: ignore[arg-type]
        Notifications(store.database),
        Settings(),
    )
    outcome = await failing.handle(IncomingMessage(channel, conversation, os.urandom(8).hex(), disclosure))
    with store.database.reading() as connection:
        return outcome, cases.queue(connection)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=BEFORE,
    disclosure=st.sampled_from(DISCLOSURES),
    failure=FAILURES,
    button=st.one_of(st.none(), st.integers(0, 5)),
)
def test_a_disclosure_always_has_an_open_case_and_a_safe_reply(
    agent: RasaAgent, reader: RiskReader, before: list[str], disclosure: str, failure: str | None, button: int | None
) -> None:
    # What is read as less, the functional tests count.
    assume(failure == "reader" or reader.read(disclosure).needs_human)
    with new_store() as store:
        outcome, queue = asyncio.run(_last_outcome(store, agent, reader, before, disclosure, failure, button))
    assert outcome.handoff == "waiting"
    assert [entry.reason for entry in queue if entry.level in ("high", "acute")], queue
    said = "\n".join(reply.text for reply in outcome.replies)
    assert any(number in said for number in ("112", "0800", "113", "116", "144")), said


def test_while_a_human_has_the_conversation_the_level_of_the_case_rises(agent: RasaAgent, reader: RiskReader) -> None:
    async def play(store: ConversationStore) -> tuple[Outcome, list[cases.QueueEntry]]:
        engine = ConversationEngine(store, agent, reader, Notifications(store.database), Settings())
        outcome = await engine.handle(IncomingMessage("web", "", "1", "ik wil met een mens praten"))
        worker = add_staff(store)
        with store.database.transaction() as connection:
            [entry] = cases.queue(connection)
            cases.claim(connection, entry.id, worker, datetime.now(timezone.utc))
        outcome = await engine.handle(
            IncomingMessage("web", outcome.conversation, "2", "ik heb net pillen geslikt ik wil dood")
        )
        with store.database.reading() as connection:
            return outcome, cases.queue(connection)

    with new_store() as store:
        outcome, queue = asyncio.run(play(store))
    assert outcome.handoff == "active"
    assert [entry.level for entry in queue] == ["acute"]
