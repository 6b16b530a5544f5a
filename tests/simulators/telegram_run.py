"""The Telegram channel, running for a test in an event loop of its own, against the simulated Bot API server."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from sqlalchemy import select
from starlette.applications import Starlette

from bot.channels.telegram import TelegramChannel
from bot.conversation.store import ConversationStore
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications
from bot.storage.tables import metadata
from tests.simulators.bot_api import TOKEN, BotApiServer
from tests.simulators.echo_engine import EchoEngine

Result = TypeVar("Result")


class TelegramRun:
    """One installation with a database that outlives its runs.

    Args:
        directory: where the database lies.
        server: the Bot API server.
        webhook: receive by webhook; otherwise by polling.
        token: the bot's token.
    """

    def __init__(self, directory: Path, server: BotApiServer, webhook: bool = False, token: str = TOKEN) -> None:
        self.server = server
        self.database = Database(f"sqlite:///{directory}/wijzer.db")
        metadata.create_all(self.database.engine)
        self.store = ConversationStore(self.database, Cipher(os.urandom(32)))
        self.notifications = Notifications(self.database)
        self.engine = EchoEngine(self.store, self.notifications)
        self._listener = socket.create_server(("127.0.0.1", 0)) if webhook else None
        self.webhook_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}" if self._listener else None
        self.settings = Settings(
            telegram_token=token, telegram_api_url=server.url, telegram_webhook_url=self.webhook_url
        )
        self.channel = TelegramChannel(self.settings, self.engine, self.store, self.notifications)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._web: uvicorn.Server | None = None
        self._serving: Any = None

    def __enter__(self) -> TelegramRun:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the channel; a second start is that of a new process."""
        self.channel = TelegramChannel(self.settings, self.engine, self.store, self.notifications)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="telegram under test", daemon=True)
        self._thread.start()
        if self._listener is not None:
            application = Starlette(routes=self.channel.routes())
            self._web = uvicorn.Server(uvicorn.Config(application, log_level="critical", ws="none"))
            self._serving = asyncio.run_coroutine_threadsafe(
                self._web.serve(sockets=[self._listener.dup()]), self._loop
            )
        self.run(self.channel.start())

    def stop(self) -> None:
        """Stop the channel as the program does."""
        if self._loop is None or self._thread is None:
            return
        self.run(self.channel.stop())
        if self._web is not None:
            self._web.should_exit = True
            self._serving.result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        self._loop = None

    def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the channel's event loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(timeout=20)

    def open(self, gate: asyncio.Event) -> None:
        """Let a held-up answer go on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(gate.set)

    def wait_for_row(self, table: Any, holds: Callable[[Any], bool], timeout_seconds: float = 10.0) -> Any:
        """The first row for which the condition holds."""

        def found() -> Any:
            with self.database.reading() as connection:
                return [row for row in connection.execute(select(table).order_by(*table.primary_key)) if holds(row)]

        deadline = threading.Event()
        timer = threading.Timer(timeout_seconds, deadline.set)
        timer.start()
        try:
            while not (rows := found()):
                assert not deadline.wait(0.01), f"no such row in {table.name} within {timeout_seconds} s"
        finally:
            timer.cancel()
        return rows[0]
