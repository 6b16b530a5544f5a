"""An engine for tests of channels: it repeats what was said, and writes that through the real store."""

from __future__ import annotations

import asyncio
import secrets
import threading
from datetime import datetime, timezone

from sqlalchemy.engine import Connection

from bot.conversation.messages import Button, IncomingMessage, Outcome, Reply
from bot.conversation.store import Changes, ConversationStore
from bot.storage.notifications import Notifications

LEASE_SECONDS = 30.0


class EchoEngine:
    """Answers `je zei: <text>`, or what a test wants.

    Attributes:
        handled: texts (or titles of pressed buttons) in the order in which they were handled.
        replies: what is answered to a text, instead of the echo.
        failures: how often a text still fails.
        gates: a text that has one is answered only when it is set.
    """

    def __init__(self, store: ConversationStore, notifications: Notifications) -> None:
        self.store = store
        self.handled: list[str] = []
        self.replies: dict[str, list[Reply]] = {}
        self.failures: dict[str, int] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.reached = threading.Event()
        self.erases = False
        self._notifications = notifications

    def gate(self, text: str) -> asyncio.Event:
        """Hold up the answer to a text; `reached` tells when it waits."""
        self.reached.clear()
        self.gates[text] = asyncio.Event()
        return self.gates[text]

    async def handle(self, message: IncomingMessage) -> Outcome:
        """As the real engine: handled once, written in one transaction, then notified."""
        received = await asyncio.to_thread(self.store.receive, message, _now())
        if received.outcome is not None:
            return received.outcome
        text = message.text
        if message.button is not None:
            text = (await asyncio.to_thread(self.store.pressed, received.conversation, message.button)).title
        if text in self.gates:
            self.reached.set()
            await self.gates[text].wait()
        if self.failures.get(text, 0) > 0:
            self.failures[text] -= 1
            raise RuntimeError(f"the engine stumbled over {text}")
        owner = secrets.token_urlsafe(8)
        assert await asyncio.to_thread(self.store.lease, received.conversation, owner, _now(), LEASE_SECONDS)
        changes = Changes(message, text, replies=self.replies.get(text, [Reply(f"je zei: {text}")]), erase=self.erases)
        outcome, _ = await asyncio.to_thread(self.store.close, received, owner, changes, _now(), _NoTexts())
        self.handled.append(text)
        self._notifications.notify("outgoing:telegram")
        return outcome


def choices(text: str, *titles: str) -> Reply:
    """A reply with buttons."""
    return Reply(text, tuple(Button(title, f"/{title.lower()}") for title in titles))


class _NoTexts:
    def waiting(self, connection: Connection, audience: str | None, is_new: bool, now: datetime) -> list[Reply]:
        return []


def _now() -> datetime:
    return datetime.now(timezone.utc)
