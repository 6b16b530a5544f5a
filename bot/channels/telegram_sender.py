"""Sends what waits in the database: in order within a conversation, other conversations unhindered.

A message is sent first and noted as sent directly after it. A process that is killed between the two (some
milliseconds) sends that one message again, as does a lost answer of the server: a message twice is better than one that
never came.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from datetime import datetime, timedelta, timezone

from sqlalchemy.exc import SQLAlchemyError
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.channels.telegram_outgoing import Delivery, Outgoing
from bot.channels.telegram_text import parts_of
from bot.storage.notifications import Notifications, Subscription

logger = logging.getLogger(__name__)

PARALLEL = 8
POLL_SECONDS = 1.0
STOP_SECONDS = 3.0
SEND_SECONDS = 45.0
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
KEPT_PARTS = 1000
ATTEMPTS_AT_FAULTS = 5


class Sender:
    """Claims waiting messages and sends them.

    Args:
        bot: the connected client.
        outgoing: the waiting messages.
        notifications: wakes the sender (`outgoing:telegram`), and is told what staff should see (`conversation:<id>`).
        parallel: how many messages at once.
    """

    def __init__(
        self, bot: ExtBot[int], outgoing: Outgoing, notifications: Notifications, parallel: int = PARALLEL
    ) -> None:
        self._bot = bot
        self._outgoing = outgoing
        self._notifications = notifications
        self._slots = asyncio.Semaphore(parallel)
        self._sending: set[asyncio.Task[None]] = set()
        self._dispatcher: asyncio.Task[None] | None = None
        # Python 3.10's `wait_for` loses a cancellation that comes together with the awaited event.
        self._is_stopping = False
        self._nothing_waits = asyncio.Event()
        # How many parts of a long message were sent before it had to be put off.
        self._parts_sent: OrderedDict[int, int] = OrderedDict()

    def start(self) -> None:
        """Begin; from within an event loop."""
        self._dispatcher = asyncio.create_task(self._dispatch(), name="telegram sender")

    async def stop(self) -> None:
        """Send what is due, for STOP_SECONDS at most; the rest waits in the database for the next start."""
        if self._dispatcher is None:
            return
        self._nothing_waits.clear()
        await asyncio.to_thread(self._notifications.notify, "outgoing:telegram")
        try:
            await asyncio.wait_for(self._nothing_waits.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            logger.info("some messages are sent at the next start")
        self._is_stopping = True
        self._dispatcher.cancel()
        await asyncio.gather(self._dispatcher, return_exceptions=True)
        if self._sending:
            await asyncio.wait(self._sending, timeout=STOP_SECONDS)
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _dispatch(self) -> None:
        with self._notifications.subscribe("outgoing:telegram") as news:
            while not self._is_stopping:
                await self._slots.acquire()
                delivery = await self._claim_or_leave()
                if delivery is None:
                    self._slots.release()
                    if not self._sending:
                        self._nothing_waits.set()
                    await news.wait(POLL_SECONDS)
                    continue
                self._nothing_waits.clear()
                task = asyncio.create_task(self._deliver(delivery, news))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
                task.add_done_callback(lambda _: self._slots.release())
                # The next message of that conversation may be sent now.
                task.add_done_callback(lambda _: news.wake())

    async def _claim_or_leave(self) -> Delivery | None:
        """Claim a message; when the process stops meanwhile, leave it to the next one at once."""
        claiming = asyncio.ensure_future(self._claim())
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            delivery = await claiming
            if delivery is not None:
                await asyncio.to_thread(self._outgoing.put_off, delivery, _now())
            raise

    async def _claim(self) -> Delivery | None:
        try:
            return await asyncio.to_thread(self._outgoing.claim, _now())
        except SQLAlchemyError as error:
            logger.error("waiting messages cannot be read, trying again: %s", type(error).__name__)
            return None

    async def _deliver(self, delivery: Delivery, news: Subscription) -> None:
        try:
            await self._try(delivery, news)
        except SQLAlchemyError as error:
            # The claim expires, and the message is tried again.
            logger.error("the state of a message cannot be written: %s", type(error).__name__)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._outgoing.put_off, delivery, _now()))
            raise

    async def _try(self, delivery: Delivery, news: Subscription) -> None:
        try:
            await asyncio.wait_for(self._send(delivery), SEND_SECONDS)
        except RetryAfter as error:
            # `retry_after` is a number or a timedelta, by an environment variable of the library.
            wait = error.retry_after
            await self._put_off(delivery, wait.total_seconds() if isinstance(wait, timedelta) else wait, error, news)
        except (Forbidden, BadRequest, ChatMigrated) as error:
            await self._fail(delivery, _reason(error))
        except (TelegramError, asyncio.TimeoutError) as error:
            await self._put_off(delivery, _backoff_seconds(delivery.attempts), error, news)
        except Exception as error:  # a fault of ours: it may well come back at every attempt
            if delivery.attempts >= ATTEMPTS_AT_FAULTS:
                await self._fail(delivery, type(error).__name__)
            else:
                await self._put_off(delivery, _backoff_seconds(delivery.attempts), error, news)
        else:
            self._parts_sent.pop(delivery.id, None)
            if await asyncio.to_thread(self._outgoing.sent, delivery, _now()):
                await self._tell(delivery)

    async def _send(self, delivery: Delivery) -> None:
        parts = parts_of(delivery.text)
        for number, part in enumerate(parts):
            if number < self._parts_sent.get(delivery.id, 0):
                continue
            await self._send_part(delivery, part, _keyboard(delivery) if number == len(parts) - 1 else None)
            if number < len(parts) - 1:
                self._remember(delivery.id, number + 1)

    async def _send_part(self, delivery: Delivery, part: str, keyboard: InlineKeyboardMarkup | None) -> None:
        # A preview would show a large picture of a helpline's site to whoever looks along.
        preview = LinkPreviewOptions(is_disabled=True)
        chat = int(delivery.address)
        try:
            await self._bot.send_message(chat, part, reply_markup=keyboard, link_preview_options=preview)
        except BadRequest:
            if keyboard is None:
                raise
            # The words count more than the buttons.
            await self._bot.send_message(chat, part, link_preview_options=preview)

    def _remember(self, delivery_id: int, parts: int) -> None:
        self._parts_sent[delivery_id] = parts
        while len(self._parts_sent) > KEPT_PARTS:
            self._parts_sent.popitem(last=False)

    async def _put_off(self, delivery: Delivery, seconds: float, error: Exception, news: Subscription) -> None:
        logger.warning("a message is tried again in %.0f s: %s", seconds, type(error).__name__)
        until = _now() + timedelta(seconds=seconds)
        await asyncio.to_thread(self._outgoing.put_off, delivery, until, type(error).__name__)
        asyncio.get_running_loop().call_later(seconds + 0.01, news.wake)

    async def _fail(self, delivery: Delivery, reason: str) -> None:
        logger.warning("a message cannot be delivered: %s", reason)
        await asyncio.to_thread(self._outgoing.failed, delivery, reason)
        await self._tell(delivery)

    async def _tell(self, delivery: Delivery) -> None:
        await asyncio.to_thread(self._notifications.notify, f"conversation:{delivery.conversation}")


def _keyboard(delivery: Delivery) -> InlineKeyboardMarkup | None:
    """The choices, one a row, so that long titles stay readable on a small screen."""
    if not delivery.buttons:
        return None
    return InlineKeyboardMarkup.from_column(
        [InlineKeyboardButton(button.title, callback_data=button.payload) for button in delivery.buttons]
    )


def _backoff_seconds(attempts: int) -> float:
    """1, 2, 4 ... seconds, a minute at most."""
    return min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * float(2 ** (min(attempts, 10) - 1)))


def _reason(error: TelegramError) -> str:
    """The server's own words: `Forbidden: bot was blocked by the user`. They hold nothing of the message."""
    return f"{type(error).__name__}: {error.message}"


def _now() -> datetime:
    return datetime.now(timezone.utc)
