"""Handles stored messages: several conversations at once, the messages of one conversation in order.

Everything needed to go on after a crash is in the database: a message that was not handled is claimed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation.messages import IncomingMessage, Outcome, UnknownButton
from bot.conversation.store import ConversationStore, Received
from bot.handoff import cases
from bot.handoff.cases import Signal
from bot.handoff.texts import exists
from bot.storage.notifications import Notifications
from bot.storage.tables import incoming, messages

logger = logging.getLogger(__name__)

PARALLEL = 4
ATTEMPTS = 3
RETRY_SECONDS = 1.0
POLL_SECONDS = 1.0
STOP_SECONDS = 5.0
Typing = Callable[[str], Awaitable[None]]


class Engine(Protocol):
    """What is needed of `bot.conversation.engine.ConversationEngine`."""

    async def handle(self, message: IncomingMessage) -> Outcome:
        """Understand and answer one message."""


class Worker:
    """Claims stored messages and has them handled.

    Args:
        engine: understands and answers.
        store: where messages are claimed.
        notifications: wakes the worker (`incoming:telegram`) and the sender (`outgoing:telegram`).
        typing: shows the person of an address that an answer is being made; ends when it is cancelled.
        parallel: how many messages at once.
    """

    def __init__(
        self,
        engine: Engine,
        store: ConversationStore,
        notifications: Notifications,
        typing: Typing,
        parallel: int = PARALLEL,
    ) -> None:
        self._engine = engine
        self._store = store
        self._notifications = notifications
        self._typing = typing
        self._slots = asyncio.Semaphore(parallel)
        self._handling: set[asyncio.Task[None]] = set()
        self._dispatcher: asyncio.Task[None] | None = None
        # Python 3.10's `wait_for` loses a cancellation that comes together with the awaited event.
        self._is_stopping = False

    def start(self) -> None:
        """Begin; from within an event loop."""
        self._dispatcher = asyncio.create_task(self._dispatch(), name="telegram worker")

    async def stop(self) -> None:
        """Claim nothing more; finish what is being handled, or leave it for the next start after STOP_SECONDS."""
        self._is_stopping = True
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)
        if self._handling:
            await asyncio.wait(self._handling, timeout=STOP_SECONDS)
        for task in list(self._handling):
            task.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)

    async def _dispatch(self) -> None:
        with self._notifications.subscribe("incoming:telegram") as news:
            while not self._is_stopping:
                await self._slots.acquire()
                claimed = await self._claim_or_leave()
                if claimed is None:
                    self._slots.release()
                    await news.wait(POLL_SECONDS)
                    continue
                task = asyncio.create_task(self._handle(*claimed))
                self._handling.add(task)
                task.add_done_callback(self._handling.discard)
                task.add_done_callback(lambda _: self._slots.release())
                # The next message of that conversation may be claimed now.
                task.add_done_callback(lambda _: news.wake())

    async def _claim_or_leave(self) -> tuple[IncomingMessage, int] | None:
        """Claim a message; when the process stops meanwhile, leave it to the next one at once."""
        claiming = asyncio.ensure_future(self._claim())
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claimed = await claiming
            if claimed is not None:
                await asyncio.to_thread(self._put_back, claimed[0], 0.0)
            raise

    async def _claim(self) -> tuple[IncomingMessage, int] | None:
        try:
            return await asyncio.to_thread(self._store.next_waiting, "telegram", _now())
        except SQLAlchemyError as error:
            logger.error("stored messages cannot be read, trying again: %s", type(error).__name__)
            return None

    async def _handle(self, message: IncomingMessage, attempt: int) -> None:
        try:
            async with self._shown_as_typing(message.address):
                await self._answer(message)
        except asyncio.CancelledError:
            # The process stops: the next one may begin with it at once.
            await asyncio.shield(asyncio.to_thread(self._put_back, message, 0.0))
            raise
        except Exception as error:  # whatever went wrong, the message must not be lost, nor tried for ever
            logger.error("handling a message failed, attempt %d: %s", attempt, type(error).__name__)
            await self._after_failure(message, attempt)

    async def _answer(self, message: IncomingMessage) -> None:
        if not message.text.strip() and message.button is None:
            await self._answer_unreadable(message)
            return
        try:
            await self._engine.handle(message)
        except UnknownButton:
            # A button from before the conversation was erased.
            await asyncio.to_thread(self._say, message, "technical_problem")
            await self._wake_sender()

    async def _answer_unreadable(self, message: IncomingMessage) -> None:
        """A photo, a voice message: say that only text is read. Somebody who begins with one is greeted first."""
        if await asyncio.to_thread(self._is_first, message):
            await self._engine.handle(replace(message, update_id=f"{message.update_id}:greeting", text="hoi"))
        await asyncio.to_thread(self._say, message, "only_text")
        await self._wake_sender()

    async def _after_failure(self, message: IncomingMessage, attempt: int) -> None:
        try:
            if attempt < ATTEMPTS:
                await asyncio.to_thread(self._put_back, message, RETRY_SECONDS * attempt)
                return
            await asyncio.to_thread(self._call_a_human, message)
            await asyncio.to_thread(self._notifications.notify, "cases")
            await self._wake_sender()
        except Exception as error:  # the database is away; the claim expires by itself
            logger.error("a message stays waiting: %s", type(error).__name__)

    async def _wake_sender(self) -> None:
        await asyncio.to_thread(self._notifications.notify, "outgoing:telegram")

    def _is_first(self, message: IncomingMessage) -> bool:
        conversation = self._store.receive(message, _now()).conversation
        with self._store.database.reading() as connection:
            found = connection.execute(
                select(messages.c.id).where(messages.c.conversation_id == conversation).limit(1)
            ).first()
        return found is None

    def _say(self, message: IncomingMessage, name: str) -> None:
        """Queue one of the texts of `config/texts/` and mark the message as handled, in one transaction."""
        _read_texts()
        now = _now()
        received = self._store.receive(message, now)
        with self._store.database.transaction() as connection:
            if _mark_handled(connection, received, now):
                cases.tell(connection, self._store.cipher, received.conversation, name, now)

    def _call_a_human(self, message: IncomingMessage) -> None:
        """After the last attempt: staff see what was typed (it may be a call for help), and the person hears of it."""
        _read_texts()
        now = _now()
        received = self._store.receive(message, now)
        cipher = self._store.cipher
        with self._store.database.transaction() as connection:
            if not _mark_handled(connection, received, now):
                return
            connection.execute(
                insert(messages).values(
                    conversation_id=received.conversation,
                    author="person",
                    text=cipher.encrypt(message.text, "message"),
                    created_at=now,
                )
            )
            cases.open_or_raise(connection, received.conversation, Signal("error"), now)
            cases.tell(connection, cipher, received.conversation, "technical_problem", now)

    def _put_back(self, message: IncomingMessage, seconds: float) -> None:
        """Let the message be claimed again after some seconds."""
        with self._store.database.transaction() as connection:
            connection.execute(
                update(incoming)
                .where(incoming.c.channel == message.channel, incoming.c.update_id == message.update_id)
                .values(claimed_until=_now() + timedelta(seconds=seconds))
            )

    @asynccontextmanager
    async def _shown_as_typing(self, address: str) -> AsyncIterator[None]:
        shown = asyncio.ensure_future(self._typing(address))
        try:
            yield
        finally:
            shown.cancel()
            await asyncio.gather(shown, return_exceptions=True)


def _mark_handled(connection: Connection, received: Received, now: datetime) -> bool:
    """False when the message was handled meanwhile."""
    changed = connection.execute(
        update(incoming).where(incoming.c.id == received.id, incoming.c.handled_at.is_(None)).values(handled_at=now)
    )
    return bool(changed.rowcount == 1)


def _read_texts() -> None:
    """Have the texts in memory before a transaction begins: reading the files takes a second, and would hold it up."""
    exists("technical_problem")


def _now() -> datetime:
    return datetime.now(timezone.utc)
