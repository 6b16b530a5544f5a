"""Receives updates, by polling or by webhook: each is stored before it is acknowledged, and handled from there."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Coroutine
from datetime import datetime, timezone
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from telegram import Message, Update
from telegram.error import NetworkError, TelegramError
from telegram.ext import ExtBot

from bot.channels.telegram_profile import GROUP_TEXT
from bot.channels.telegram_updates import group_chat, incoming_message
from bot.conversation.store import ConversationStore
from bot.storage.notifications import Notifications

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
KEPT_GROUPS = 1000


class Receiver:
    """Stores what comes in and wakes the workers; answers what Telegram wants answered at once, best effort.

    Args:
        bot: the client, for those answers.
        bot_id: the bot's own number.
        store: where messages are kept.
        notifications: wakes the workers, topic `incoming:telegram`.
    """

    def __init__(self, bot: ExtBot[int], bot_id: int, store: ConversationStore, notifications: Notifications) -> None:
        self._bot = bot
        self._bot_id = bot_id
        self._store = store
        self._notifications = notifications
        self._courtesies: set[asyncio.Task[None]] = set()
        self._groups_left: set[int] = set()

    async def take(self, update: Update) -> None:
        """Store one update; when this returns, it may be acknowledged. The same update again changes nothing.

        Raises:
            SQLAlchemyError: it could not be stored; the server has to send it again.
        """
        if update.callback_query is not None:
            self._be_courteous(self._acknowledge_press(update))
        group = group_chat(update)
        if group is not None:
            self._leave_once(group)
            return
        message = incoming_message(update, self._bot_id)
        if message is None:
            return
        await asyncio.to_thread(self._store.receive, message, datetime.now(timezone.utc))
        await asyncio.to_thread(self._notifications.notify, "incoming:telegram")

    async def stop(self) -> None:
        """End what is still being answered."""
        for task in list(self._courtesies):
            task.cancel()
        await asyncio.gather(*self._courtesies, return_exceptions=True)

    def _be_courteous(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(call)
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)

    async def _acknowledge_press(self, update: Update) -> None:
        """Stop the button's waiting sign, and take the buttons away: each is meant to be pressed once."""
        query = update.callback_query
        assert query is not None
        try:
            await self._bot.answer_callback_query(query.id)
        except TelegramError as error:
            logger.info("answerCallbackQuery failed: %s", type(error).__name__)
        if not isinstance(query.message, Message):
            return
        try:
            await self._bot.edit_message_reply_markup(query.message.chat.id, query.message.message_id)
        except TelegramError as error:
            logger.info("editMessageReplyMarkup failed: %s", type(error).__name__)

    def _leave_once(self, group: int) -> None:
        if group in self._groups_left:
            return
        if len(self._groups_left) >= KEPT_GROUPS:
            self._groups_left.clear()
        self._groups_left.add(group)
        self._be_courteous(self._leave(group))

    async def _leave(self, group: int) -> None:
        for call in (lambda: self._bot.send_message(group, GROUP_TEXT), lambda: self._bot.leave_chat(group)):
            try:
                await call()
            except TelegramError as error:
                logger.info("leaving a group failed: %s", type(error).__name__)


class StoringQueue(asyncio.Queue[object]):
    """The queue that python-telegram-bot's polling fills. `put` returns when the update is committed.

    The library confirms updates to the server only after `put`, so that a killed process loses none.
    """

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    async def put(self, item: object) -> None:
        """Store the update; raises NetworkError, which makes the polling loop ask for it again, when that fails."""
        assert isinstance(item, Update)
        try:
            await self._receiver.take(item)
        except SQLAlchemyError as error:
            logger.error("an update could not be stored, asking for it again: %s", type(error).__name__)
            raise NetworkError("an update could not be stored") from None
        except Exception as error:  # any other error would end the library's polling without a word
            logger.error("an update was passed over: %s", type(error).__name__)


class Webhook:
    """The address to which Telegram posts updates.

    Args:
        receiver: stores them.
        bot: the client.
        token: the bot's token, from which the shared secret follows.
    """

    def __init__(self, receiver: Receiver, bot: ExtBot[int], token: str) -> None:
        self._receiver = receiver
        self._bot = bot
        self.secret = webhook_secret(token)

    async def receive(self, request: Request) -> Response:
        """200: the update is stored; 403: wrong secret; 400: no JSON; 503: Telegram has to try again."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.secret.encode()):
            return PlainTextResponse("wrong secret", status_code=403)
        try:
            content = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("no JSON", status_code=400)
        try:
            update = Update.de_json(content, self._bot)
        except Exception as error:  # the library raises whatever a missing field leads to
            # Acknowledged all the same: it will not become readable, and would hold up the ones behind it.
            logger.error("an update cannot be read: %s", type(error).__name__)
            return PlainTextResponse("not read")
        try:
            await self._receiver.take(update)
        except SQLAlchemyError as error:
            logger.error("an update could not be stored: %s", type(error).__name__)
            return PlainTextResponse("not stored", status_code=503)
        return PlainTextResponse("ok")


def webhook_secret(token: str) -> str:
    """The secret that Telegram sends along with every update (64 hexadecimal characters); same on every replica."""
    return hmac.new(token.encode(), b"wijzer telegram webhook", hashlib.sha256).hexdigest()
