"""Wakes whoever waits for something new: the console, a web chat, the sender of a channel.

Inside one process a subscription is an asyncio event. Between replicas on PostgreSQL the same topics travel by
`LISTEN/NOTIFY`. A notification only says "look again": the database holds what is new, so a lost one costs time, never
a message.
"""

from __future__ import annotations

import asyncio
import logging
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions
from sqlalchemy import text

from bot.storage.database import Database

logger = logging.getLogger(__name__)
POSTGRES_CHANNEL = "wijzer"
RECONNECT_SECONDS = 2.0


class Subscription:
    """Waits for notifications of one topic. Belongs to the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    async def wait(self, timeout_seconds: float) -> bool:
        """True at a notification, False when the time is over. A notification between two calls is not lost."""
        # Not `wait_for`: on Python 3.10 it swallows a cancellation that arrives together with the event.
        waiting = asyncio.ensure_future(self._event.wait())
        try:
            done, _ = await asyncio.wait({waiting}, timeout=timeout_seconds)
        finally:
            waiting.cancel()
        if not done:
            return False
        self._event.clear()
        return True

    def wake(self) -> None:
        """May be called from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop has ended; its subscriber is gone with it.
            return


class Notifications:
    """Topics are plain texts: `cases`, `outgoing`, `conversation:<id>`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription]:
        """A subscription for as long as the block runs; only from within an event loop."""
        subscription = Subscription()
        with self._lock:
            self._subscriptions.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions[topic].discard(subscription)
                if not self._subscriptions[topic]:
                    del self._subscriptions[topic]

    def notify(self, *topics: str) -> None:
        """Wake the subscribers of the topics, here and on every replica. Call it after the commit."""
        self._wake(topics)
        if not self._database.is_sqlite:
            with self._database.transaction() as connection:
                for topic in topics:
                    connection.execute(
                        text("SELECT pg_notify(:channel, :topic)"), {"channel": POSTGRES_CHANNEL, "topic": topic}
                    )

    def start(self) -> None:
        """Listen to other replicas (PostgreSQL only)."""
        if not self._database.is_sqlite and self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="notifications", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=3)

    def _wake(self, topics: tuple[str, ...]) -> None:
        with self._lock:
            woken = [one for topic in topics for one in self._subscriptions.get(topic, ())]
        for subscription in woken:
            subscription.wake()

    def _listen(self) -> None:
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stopping.is_set():
            try:
                connection = psycopg2.connect(url)
                try:
                    connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
                    with connection.cursor() as cursor:
                        cursor.execute(f"LISTEN {POSTGRES_CHANNEL}")
                    self._pass_on(connection)
                finally:
                    connection.close()
            except psycopg2.Error as error:
                logger.warning("listening to the database failed, trying again: %s", type(error).__name__)
                self._stopping.wait(RECONNECT_SECONDS)

    def _pass_on(self, connection: psycopg2.extensions.connection) -> None:
        while not self._stopping.is_set():
            if not select.select([connection], [], [], 1.0)[0]:
                continue
            connection.poll()
            while connection.notifies:
                self._wake((connection.notifies.pop(0).payload,))
