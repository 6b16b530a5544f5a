"""The Telegram channel, as the rest of the program sees it: start, stop, routes, and a line for the start screen."""

from __future__ import annotations

from starlette.routing import Route

from bot.channels.telegram_connection import WEBHOOK_PATH, TelegramConnection
from bot.channels.telegram_worker import Engine
from bot.conversation.store import ConversationStore
from bot.settings import Settings
from bot.storage.notifications import Notifications


class TelegramChannel:
    """Telegram as a way in and out; does nothing without a token.

    Args:
        settings: token, address of the Bot API server, webhook address.
        engine: understands and answers.
        store: keeps what comes in.
        notifications: wakes worker and sender.
    """

    def __init__(
        self, settings: Settings, engine: Engine, store: ConversationStore, notifications: Notifications
    ) -> None:
        self._connection: TelegramConnection | None = None
        if settings.telegram_token:
            self._connection = TelegramConnection(settings, settings.telegram_token, engine, store, notifications)

    async def start(self) -> None:
        """Begin to handle, receive and send. Returns within some seconds, connected or not; Telegram never stops it."""
        if self._connection is not None:
            await self._connection.start()

    async def stop(self) -> None:
        """Stop receiving, finish what is being handled, send what is due. What is left waits in the database."""
        if self._connection is not None:
            await self._connection.stop()

    def routes(self) -> list[Route]:
        """The webhook's address, when one is used."""
        if self._connection is None or self._connection.webhook is None:
            return []
        return [Route(WEBHOOK_PATH, self._connection.webhook.receive, methods=["POST"], name="telegram_webhook")]

    def describe(self) -> str:
        """One line (Dutch) for the start screen: off, polling or webhook, with the bot's name."""
        if self._connection is None:
            return "uit (zet TELEGRAM_BOT_TOKEN om het aan te zetten)"
        return self._connection.describe()
