"""One bot on one Bot API server: its parts, put together, connected and stopped.

    receiver (polling or webhook) -> table `incoming` -> worker -> engine -> table `outgoing` -> sender

Nothing depends on the server being there at the start: messages that were stored are handled at once, and the
connection is tried until it holds, while the rest of the program runs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Updater

from bot.channels.telegram_client import connect
from bot.channels.telegram_outgoing import Outgoing
from bot.channels.telegram_profile import publish
from bot.channels.telegram_receiver import Receiver, StoringQueue, Webhook
from bot.channels.telegram_sender import Sender
from bot.channels.telegram_typing import TypingSign
from bot.channels.telegram_updates import ALLOWED_UPDATES
from bot.channels.telegram_worker import Engine, Worker
from bot.conversation.store import ConversationStore
from bot.settings import Settings
from bot.storage.notifications import Notifications

logger = logging.getLogger(__name__)

WEBHOOK_PATH = "/telegram/webhook"
# How long the start of the program waits for the bot's name.
START_SECONDS = 3.0
STOP_SECONDS = 5.0
LONG_POLL = timedelta(seconds=10)
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
REPEAT_TROUBLE_SECONDS = 600.0


class TelegramConnection:
    """Everything that runs for one token.

    Attributes:
        webhook: receives updates, when there is a webhook address; otherwise None, and the bot polls.
    """

    def __init__(
        self, settings: Settings, token: str, engine: Engine, store: ConversationStore, notifications: Notifications
    ) -> None:
        self._settings = settings
        self._bot = connect(token, settings.telegram_api_url)
        self._outgoing = Outgoing(store.database, store.cipher)
        self._is_alone = store.database.is_sqlite
        self._receiver = Receiver(self._bot, _bot_id(token), store, notifications)
        self._worker = Worker(engine, store, notifications, TypingSign(self._bot, store).show)
        self._sender = Sender(self._bot, self._outgoing, notifications)
        self._updater = Updater(self._bot, StoringQueue(self._receiver))
        self.webhook = Webhook(self._receiver, self._bot, token) if settings.telegram_webhook_url else None
        self._tasks: list[asyncio.Task[None]] = []
        self._username: str | None = None
        self._is_receiving = False
        self._trouble = ("", 0.0)

    async def start(self) -> None:
        """Handle what is stored, and connect: for START_SECONDS here, and then in the background until it holds."""
        if self._is_alone:
            # A database file belongs to one process; claims in it are those of a process that was killed.
            await self._free_claims()
        self._worker.start()
        connecting = asyncio.create_task(self._connect(), name="telegram connection")
        self._tasks.append(connecting)
        await asyncio.wait({connecting}, timeout=START_SECONDS)

    async def stop(self) -> None:
        """Stop the parts in the order in which messages pass them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._updater.running:
            try:
                await asyncio.wait_for(self._updater.stop(), STOP_SECONDS)
            except asyncio.TimeoutError:
                logger.info("the Bot API server was not told of the last updates; it sends them again")
        await self._worker.stop()
        await self._sender.stop()
        await self._receiver.stop()
        await self._bot.shutdown()

    def describe(self) -> str:
        """How messages come in now, in a few Dutch words."""
        if not self._is_receiving:
            return f"nog geen verbinding met {self._server}; wijzer blijft het proberen"
        if self.webhook is not None:
            return f"@{self._username}, via webhook {self._webhook_url}"
        return f"@{self._username}, via polling"

    @property
    def _server(self) -> str:
        return urlsplit(self._settings.telegram_api_url).netloc.rpartition("@")[2]

    @property
    def _webhook_url(self) -> str:
        return f"{(self._settings.telegram_webhook_url or '').rstrip('/')}{WEBHOOK_PATH}"

    async def _free_claims(self) -> None:
        try:
            await asyncio.to_thread(self._outgoing.free_claims)
        except SQLAlchemyError as error:
            logger.error("claims of an earlier run stay until they expire: %s", type(error).__name__)

    async def _connect(self) -> None:
        """Introduce the bot to the server, send what waits, and receive; again and again until all of it works."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while not self._is_receiving:
            try:
                if self._username is None:
                    await self._introduce()
                await self._receive()
            except InvalidToken:
                self._complain(f"{self._server} refuses the token; check TELEGRAM_BOT_TOKEN. Trying again")
            except TelegramError as error:
                self._complain(f"no connection with {self._server} ({type(error).__name__}); trying again")
            else:
                self._is_receiving = True
                return
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(LONGEST_PAUSE_SECONDS, pause_seconds * 2)

    async def _introduce(self) -> None:
        await self._bot.initialize()
        self._username = self._bot.username
        self._sender.start()
        self._tasks.append(asyncio.create_task(publish(self._bot), name="telegram profile"))

    async def _receive(self) -> None:
        if self.webhook is not None:
            await self._bot.set_webhook(
                self._webhook_url, secret_token=self.webhook.secret, allowed_updates=ALLOWED_UPDATES
            )
            return
        await self._updater.initialize()
        await self._updater.start_polling(
            timeout=LONG_POLL, allowed_updates=ALLOWED_UPDATES, error_callback=self._polling_failed
        )

    def _polling_failed(self, error: TelegramError) -> None:
        if isinstance(error, Conflict):
            self._complain("another program receives this bot's messages too; only one may. Trying again")
        else:
            self._complain(f"no messages from {self._server} ({type(error).__name__}); trying again")

    def _complain(self, trouble: str) -> None:
        """One line for the same trouble, and again after ten minutes."""
        text, since = self._trouble
        if trouble != text or time.monotonic() - since > REPEAT_TROUBLE_SECONDS:
            self._trouble = (trouble, time.monotonic())
            logger.warning("Telegram: %s", trouble)


def _bot_id(token: str) -> int:
    """The number with which every token begins; 0 for a token of another form."""
    number = token.partition(":")[0]
    return int(number) if number.isascii() and number.isdecimal() else 0
