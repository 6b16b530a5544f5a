"""The web chat with the real engine and store, on a fresh database, and a dialogue that follows a short script."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import func, insert, select
from starlette.applications import Starlette

from bot.channels.web import WebChannel
from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import Button, Reply
from bot.conversation.rasa_agent import Answer
from bot.conversation.store import ConversationStore
from bot.handoff import cases
from bot.risk.reading import RiskReading
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, incoming, messages, metadata, staff

LONG_ANSWER = "\n\n".join(f"Dit is alinea {number} van een lang antwoord over twee huizen." for number in range(1, 31))
HELPLINES = (
    "Je kunt bellen met de Kindertelefoon: 0800-0432, met Veilig Thuis: 0800-2000 of "
    "met de Luisterlijn: 088 0767 000.\n"
    "Nu gevaar: bel 112. Denk je aan doodgaan? Bel 113 of lees 113.nl.\n"
    "Meer lezen? Kijk op veiligthuis.nl. Artikel 112 en 24 uur zijn geen nummers."
)


class ScriptedDialogue:
    """Stands in for Rasa: the text decides the answer. `hold` keeps answers back until `release`."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self._open = threading.Event()
        self._open.set()

    def hold(self) -> None:
        """Answer nothing until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer again."""
        self._open.set()

    async def parse(self, text: str, timeout_seconds: float) -> dict[str, Any]:
        return {"text": text, "language": "nl"}

    async def parse_payload(self, payload: str, timeout_seconds: float) -> dict[str, Any]:
        return {"text": payload, "language": "nl"}

    async def answer(
        self, conversation: str, parsed: dict[str, Any], state: list[dict[str, Any]] | None, timeout_seconds: float
    ) -> Answer:
        await asyncio.to_thread(self._open.wait)
        text = parsed["text"]
        self.handled.append(text)
        effects = {"mens": ["request_human"], "wis mijn gesprek": ["erase"]}.get(text, [])
        return Answer(self._replies(text), effects, None, {})

    def _replies(self, text: str) -> list[Reply]:
        if text == "knoppen":
            return [Reply("Waar wil je over praten?", (Button("Twee huizen", "/huizen"), Button("School", "/school")))]
        if text == "/huizen":
            return [Reply("Je vroeg iets over twee huizen.")]
        if text == "lang":
            return [Reply(LONG_ANSWER)]
        if text == "hulplijnen":
            return [Reply(HELPLINES)]
        if text == "html":
            return [Reply('<img src=x onerror="document.title=1"><b>niet vet</b>')]
        if text in ("mens", "wis mijn gesprek"):
            return []
        return [Reply(f"Antwoord op: {text}")]


class CalmReader:
    """Reads no danger."""

    def read(self, text: str) -> RiskReading:
        return RiskReading()


@dataclass
class WebWorld:
    """The database behind a web chat, its engine and its application."""

    database: Database
    cipher: Cipher
    notifications: Notifications
    dialogue: ScriptedDialogue
    engine: ConversationEngine
    staff_ids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def at(cls, directory: Path) -> WebWorld:
        """A new world whose database lies in the directory."""
        database = Database(f"sqlite:///{directory / 'web.db'}")
        metadata.create_all(database.engine)
        cipher = Cipher(os.urandom(32))
        notifications = Notifications(database)
        dialogue = ScriptedDialogue()
        engine = ConversationEngine(
            ConversationStore(database, cipher), dialogue, CalmReader(), notifications, Settings()
        )
        return cls(database, cipher, notifications, dialogue, engine)

    def application(self) -> Starlette:
        """An application with nothing but the web chat."""
        return Starlette(routes=WebChannel(self.engine, self.notifications).routes())

    def only_conversation(self) -> str:
        """The id of the one conversation that there is."""
        with self.database.reading() as connection:
            return str(connection.execute(select(conversations.c.id)).scalar_one())

    def conversation_count(self) -> int:
        """How many conversations are stored."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(conversations)).scalar_one())

    def received_count(self) -> int:
        """How many messages were received."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(incoming)).scalar_one())

    def person_texts(self) -> list[str]:
        """What people wrote, in order."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(messages.c.text).where(messages.c.author == "person").order_by(messages.c.id)
            ).scalars()
            return [self.cipher.decrypt(row, "message") for row in rows]

    def erase_requested(self, conversation: str) -> bool:
        """Whether the person asked to erase a conversation that is still there."""
        with self.database.reading() as connection:
            return bool(
                connection.execute(
                    select(conversations.c.erase_requested).where(conversations.c.id == conversation)
                ).scalar_one()
            )

    def claim(self, conversation: str, name: str) -> int:
        """Somebody of the staff takes over the conversation's waiting case; the case's id."""
        now = datetime.now(timezone.utc)
        with self.database.transaction() as connection:
            if name not in self.staff_ids:
                inserted = connection.execute(insert(staff).values(name=name, role="staff", created_at=now))
                self.staff_ids[name] = inserted.inserted_primary_key[0]
            case_id = connection.execute(
                select(case_table.c.id).where(
                    case_table.c.conversation_id == conversation, case_table.c.state == "waiting"
                )
            ).scalar_one()
            cases.claim(connection, case_id, self.staff_ids[name], now)
        self.notifications.notify(f"conversation:{conversation}")
        return int(case_id)

    def staff_writes(self, case_id: int, name: str, text: str) -> None:
        """The member of staff who has the case writes to the person."""
        now = datetime.now(timezone.utc)
        with self.database.transaction() as connection:
            conversation = cases.add_staff_message(connection, self.cipher, case_id, self.staff_ids[name], text, now)
        self.notifications.notify(f"conversation:{conversation}")

    def close_case(self, case_id: int, name: str) -> None:
        """The member of staff closes the case; a conversation that waits to be erased is erased."""
        now = datetime.now(timezone.utc)
        with self.database.transaction() as connection:
            conversation = cases.close(connection, self.cipher, case_id, self.staff_ids[name], "helped", "", now)
            cases.erase_if_asked(connection, conversation)
        self.notifications.notify(f"conversation:{conversation}")


class WebServer:
    """A world's web chat on a free port, in a thread."""

    def __init__(self, world: WebWorld) -> None:
        self.world = world
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            world.application(), log_level="warning", timeout_graceful_shutdown=1, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web server", daemon=True
        )

    def __enter__(self) -> WebServer:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *error: object) -> None:
        self.world.dialogue.release()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
