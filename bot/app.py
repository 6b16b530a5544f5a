"""The only place where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.telegram import TelegramChannel
from bot.channels.web import WebChannel
from bot.console.accounts import ensure_first_administrator
from bot.console.app import console_routes
from bot.console.conversations import fingerprint
from bot.conversation.engine import ConversationEngine
from bot.conversation.rasa_agent import RasaAgent
from bot.conversation.store import ConversationStore
from bot.handoff import texts
from bot.language import places
from bot.risk.reader import RiskReader
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher, load_key
from bot.storage.notifications import Notifications
from bot.storage.tables import conversations

logger = logging.getLogger(__name__)
RETENTION_CHECK_SECONDS = 3600
HEALTH_SECONDS = 2.0


class PortBusy(RuntimeError):
    """Another program listens on the port; the message says what to do."""


@dataclass(frozen=True)
class Storage:
    """Database, key and notifications: what every command needs."""

    database: Database
    cipher: Cipher
    notifications: Notifications


def open_storage(settings: Settings) -> Storage:
    """Open the database, make or bring its tables up to date, and check the key.

    Raises:
        StorageError, DataKeyError: one of them cannot be used; the message says what to do.
    """
    database = Database(settings.database_url)
    # A new key beside a database that was written with another one would only hide the mistake.
    cipher = Cipher(load_key(settings.data_key, settings.data_key_file, create=not database.has_tables()))
    database.prepare(cipher)
    return Storage(database, cipher, Notifications(database))


def open_conversation(storage: Storage, given: str) -> str | None:
    """The id of a conversation by its id or by the mark that the console shows; None when there is none (any more)."""
    with storage.database.reading() as connection:
        ids = connection.execute(select(conversations.c.id)).scalars()
        return next((one for one in ids if given in (one, fingerprint(one))), None)


def build_engine(settings: Settings, storage: Storage, agent: RasaAgent) -> ConversationEngine:
    """The engine with the real dialogue and reader."""
    store = ConversationStore(storage.database, storage.cipher)
    return ConversationEngine(store, agent, RiskReader.of_settings(), storage.notifications, settings)


class Application:
    """Everything of one process, and its life: `asgi` serves it."""

    def __init__(self, settings: Settings, storage: Storage, agent: RasaAgent) -> None:
        self.settings = settings
        self.storage = storage
        self.agent = agent
        self.engine = build_engine(settings, storage, agent)
        self.telegram = TelegramChannel(settings, self.engine, self.engine.store, storage.notifications)
        web = WebChannel(self.engine, storage.notifications)
        self.asgi = Starlette(
            routes=[
                Route("/health", self.health),
                Route("/metrics", self.metrics),
                *self.telegram.routes(),
                *console_routes(storage.database, storage.cipher, storage.notifications, settings),
                *web.routes(),
            ],
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, asgi: Starlette) -> AsyncIterator[None]:
        texts.preload()
        if self.storage.database.is_sqlite:
            # One process by default: a lease that is there now is that of a killed one.
            await asyncio.to_thread(self.engine.store.free_leases)
        self.storage.notifications.start()
        background = [
            asyncio.create_task(self._handle_left_over()),
            asyncio.create_task(self._forget_old()),
            asyncio.create_task(asyncio.to_thread(places.preload)),
        ]
        await self.telegram.start()
        try:
            yield
        finally:
            await self.telegram.stop()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            self.storage.notifications.stop()

    async def health(self, request: Request) -> Response:
        """200 only when messages can be answered: the database answers and Rasa's thread does."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._check_database), HEALTH_SECONDS)
            await self.agent.check(HEALTH_SECONDS)
        except (SQLAlchemyError, asyncio.TimeoutError, RuntimeError) as error:
            return JSONResponse({"status": "unavailable", "why": type(error).__name__}, status_code=503)
        return JSONResponse({"status": "ok"})

    def _check_database(self) -> None:
        with self.storage.database.reading() as connection:
            connection.execute(select(1))

    async def metrics(self, request: Request) -> Response:
        """Counts and times for Prometheus; nothing in them comes from what people type."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _handle_left_over(self) -> None:
        """Web messages that were stored but not handled when a process was killed."""
        while found := await asyncio.to_thread(self.engine.store.next_waiting, "web", datetime.now(timezone.utc)):
            message, _ = found
            try:
                await self.engine.handle(message)
            except LookupError:
                await asyncio.to_thread(self.engine.store.give_up, message, datetime.now(timezone.utc))

    async def _forget_old(self) -> None:
        """Erase conversations that are older than the installation keeps them."""
        while self.settings.retention_days > 0:
            before = datetime.now(timezone.utc) - timedelta(days=self.settings.retention_days)
            erased = await asyncio.to_thread(self.engine.store.forget_before, before)
            if erased:
                logger.info("erased %d conversations after %d days", erased, self.settings.retention_days)
            await asyncio.sleep(RETENTION_CHECK_SECONDS)


def listen(settings: Settings) -> socket.socket:
    """A listening socket on the settings' host and port.

    Raises:
        PortBusy: somebody else has the port.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(
                f"port {settings.port} is in use: stop the other program, or choose a port (PORT=8081 make run)"
            ) from None
        raise PortBusy(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
    listening.set_inheritable(True)
    return listening


def run(
    settings: Settings, model: Path, storage: Storage, listening: socket.socket, tell: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what is being handled and stop."""
    agent = RasaAgent(model)
    try:
        application = Application(settings, storage, agent)
        # What is loaded stays: a long message must not wait for a collection that reads all of TensorFlow again.
        gc.freeze()
        for line in _start_lines(application):
            tell(line)
        config = uvicorn.Config(
            application.asgi, log_level="warning", access_log=False, timeout_graceful_shutdown=5, ws="none"
        )
        server = uvicorn.Server(config)
        asyncio.run(server.serve(sockets=[listening]))
    finally:
        agent.close()
        storage.database.close()


def _start_lines(application: Application) -> list[str]:
    settings = application.settings
    link = ensure_first_administrator(application.storage.database, settings)
    lines = [
        f"Webchat:     {settings.base_url}/",
        f"Medewerkers: {settings.base_url}/staff/",
        f"Telegram:    {application.telegram.describe()}",
    ]
    if link:
        lines.append(f"Eerste keer aanmelden als beheerder (eenmalige link): {link}")
    return [*lines, "Stoppen: Ctrl-C"]
