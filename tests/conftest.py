"""What many tests share: the trained model (loaded once), a fresh database, and the real engine on both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")

import pytest

from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import IncomingMessage, Outcome
from bot.conversation.rasa_agent import RasaAgent
from bot.conversation.store import ConversationStore
from bot.risk.reader import RiskReader
from bot.settings import Settings, load_settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications
from bot.training import ensure_trained


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def agent() -> Iterator[RasaAgent]:
    """Rasa with the trained model; trained first where the data changed."""
    loaded = RasaAgent(ensure_trained(load_settings({}), lambda step, done, total: None))
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def reader() -> RiskReader:
    return RiskReader.of_settings()


@pytest.fixture
def cipher() -> Cipher:
    return Cipher(os.urandom(32))


@pytest.fixture
def database(tmp_path: Path, cipher: Cipher) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'wijzer.db'}")
    opened.prepare(cipher)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database, cipher: Cipher) -> ConversationStore:
    return ConversationStore(database, cipher)


@pytest.fixture
def engine(store: ConversationStore, agent: RasaAgent, reader: RiskReader) -> ConversationEngine:
    """The real engine: real Rasa, real reader, real database."""
    return ConversationEngine(store, agent, reader, Notifications(store.database), Settings())


@dataclass
class Person:
    """Somebody who types to the engine, in one conversation."""

    engine: ConversationEngine
    channel: str = "web"
    conversation: str = ""
    last: Outcome | None = None

    async def says(self, text: str) -> str:
        """Everything that is answered, as one text."""
        return await self._send(text=text)

    async def presses(self, title: str) -> str:
        """Press a button of the last answer."""
        assert self.last is not None
        tokens = {button.title: button.payload for reply in self.last.replies for button in reply.buttons}
        assert title in tokens, f"no button {title!r} among {sorted(tokens)}"
        return await self._send(button=tokens[title])

    async def _send(self, text: str = "", button: str | None = None) -> str:
        address = self.conversation
        message = IncomingMessage(self.channel, address, os.urandom(8).hex(), text, button)
        self.last = await self.engine.handle(message)
        self.conversation = self.last.conversation
        return "\n".join(reply.text for reply in self.last.replies)


@pytest.fixture
def person(engine: ConversationEngine) -> Person:
    return Person(engine)
