"""A console on a fresh database, with people who write to it: shared by the console's tests."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import insert, select, update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.console.accounts import create_staff
from bot.console.app import console_routes
from bot.console.passwords import Passwords
from bot.handoff import cases, texts
from bot.handoff.cases import Signal
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, messages, metadata, outgoing, staff

PASSWORD = "een lang zinnetje 7"
TEXTS = """
version: "3.1"
responses:
  handoff_joined:
    - text: "Hoi, ik ben {name}. Ik ben een mens."
  handoff_given_back:
    - text: "Je praat weer met Wijzer."
  handoff_closed:
    - text: "Het gesprek met ons team is klaar."
"""


def use_test_texts(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Let the program say TEXTS instead of what is in `config/texts/`."""
    directory = directory / "texts"
    directory.mkdir()
    (directory / "handoff.yml").write_text(TEXTS, encoding="utf-8")
    # The reader keeps what it read; its default directory cannot be replaced after the import.
    monkeypatch.setattr(texts, "_texts", functools.partial(texts._texts, directory))


class RecordingNotifications(Notifications):
    """Real notifications that remember the topics."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.topics: list[str] = []

    def notify(self, *topics: str) -> None:
        """Remember and pass on."""
        self.topics.extend(topics)
        super().notify(*topics)


@dataclass
class ConsoleWorld:
    """The database behind a console, and its application."""

    database: Database
    cipher: Cipher
    notifications: RecordingNotifications
    settings: Settings

    @classmethod
    def at(cls, directory: Path, settings: Settings | None = None) -> ConsoleWorld:
        """A new world whose database lies in the directory."""
        database = Database(f"sqlite:///{directory / 'console.db'}")
        metadata.create_all(database.engine)
        return cls(database, Cipher(b"k" * 32), RecordingNotifications(database), settings or Settings())

    def application(self) -> Starlette:
        """An application with nothing but the console."""
        return Starlette(routes=console_routes(self.database, self.cipher, self.notifications, self.settings))

    def browser(self) -> Browser:
        """A browser that nobody signed in with yet."""
        return Browser(self.application())

    def staff(self, name: str, role: str = "staff", password: str = PASSWORD) -> int:
        """A member of staff with a password."""
        with self.database.transaction() as connection:
            staff_id = create_staff(connection, name, role)
            hashed = Passwords().hash(password, name)
            connection.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=hashed))
        return staff_id

    def conversation(
        self, name: str = "gesprek-1", channel: str = "web", audience: str | None = "teen", now: datetime | None = None
    ) -> str:
        """A conversation without messages."""
        moment = now or datetime.now(timezone.utc)
        with self.database.transaction() as connection:
            connection.execute(
                insert(conversations).values(
                    id=name,
                    channel=channel,
                    audience=audience,
                    created_at=moment,
                    last_message_at=moment,
                    risk_memory=self.cipher.encrypt_json({"level": "high"}, "risk memory"),
                )
            )
        return name

    def person_writes(
        self, conversation: str, text: str, reading: Mapping[str, Any] | None = None, now: datetime | None = None
    ) -> int:
        """A message of the person, as the engine stores it."""
        with self.database.transaction() as connection:
            inserted = connection.execute(
                insert(messages).values(
                    conversation_id=conversation,
                    author="person",
                    text=self.cipher.encrypt(text, "message"),
                    reading=self.cipher.encrypt_json(reading, "reading") if reading else None,
                    risk_level=reading["risk"]["level"] if reading else None,
                    created_at=now or datetime.now(timezone.utc),
                )
            )
        return int(inserted.inserted_primary_key[0])

    def bot_writes(self, conversation: str, text: str, *choices: str, now: datetime | None = None) -> None:
        """An answer of the bot, with buttons."""
        with self.database.transaction() as connection:
            cases.add_message(
                connection,
                self.cipher,
                conversation,
                "web",
                "bot",
                text,
                now or datetime.now(timezone.utc),
                choices=[{"title": choice, "payload": "token"} for choice in choices] or None,
            )

    def case(self, conversation: str, signal: Signal | None = None, minutes_ago: float = 0) -> int:
        """An open case for the conversation."""
        moment = datetime.now(timezone.utc) - timedelta(minutes=minutes_ago)
        with self.database.transaction() as connection:
            cases.open_or_raise(connection, conversation, signal or Signal("risk", "high", "physical_abuse"), moment)
            return int(
                connection.execute(
                    select(case_table.c.id).where(
                        case_table.c.conversation_id == conversation, case_table.c.state != "closed"
                    )
                ).scalar_one()
            )

    def rows(self, query: Any) -> list[Any]:
        """What a query finds."""
        with self.database.reading() as connection:
            return list(connection.execute(query))

    def texts_to(self, conversation: str) -> list[tuple[str, str]]:
        """Author and text of all messages of a conversation."""
        found = self.rows(select(messages).where(messages.c.conversation_id == conversation).order_by(messages.c.id))
        return [(row.author, self.cipher.decrypt(row.text, "message")) for row in found]

    def queued_for_sending(self) -> int:
        """How many messages wait to be pushed."""
        return len(self.rows(select(outgoing.c.id).where(outgoing.c.state == "pending")))


class Browser:
    """A browser of one member of staff: follows redirects and sends forms as they stand on the page."""

    def __init__(self, application: Starlette) -> None:
        self.client = TestClient(application, raise_server_exceptions=False)
        self.page: Response | None = None

    def open(self, address: str) -> Response:
        """Go to a page."""
        self.page = self.client.get(address)
        return self.page

    def csrf(self) -> str:
        """The form token of the page that is open."""
        assert self.page is not None
        found = re.search(r'name="csrf" value="([^"]+)"', self.page.text)
        assert found, "there is no form on this page"
        return found.group(1)

    def submit(self, address: str, **fields: str) -> Response:
        """Send a form that stands on the page that is open."""
        self.page = self.client.post(address, data={"csrf": self.csrf(), **fields})
        return self.page

    def sign_in(self, name: str, password: str = PASSWORD) -> Response:
        """Sign in with name and password."""
        self.open("/staff/sign-in")
        return self.submit("/staff/sign-in", name=name, password=password, next="/staff/")
