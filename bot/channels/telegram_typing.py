"""The sign "typing ...": shown while an answer is being made, and never where a human answers."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from telegram.constants import ChatAction
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.conversation.store import ConversationStore
from bot.storage.tables import conversations

logger = logging.getLogger(__name__)

# Most answers are there sooner; a sign for each would only cost messages of Telegram's limit.
DELAY_SECONDS = 0.3
# Telegram takes the sign away after 5 seconds.
REPEAT_SECONDS = 4.5


class TypingSign:
    """Shows the sign, best effort.

    Args:
        bot: the client.
        store: knows whether a human has the conversation.
    """

    def __init__(self, bot: ExtBot[int], store: ConversationStore) -> None:
        self._bot = bot
        self._store = store

    async def show(self, address: str) -> None:
        """Show it after a moment, and until this is cancelled. Nothing that goes wrong here matters."""
        try:
            await asyncio.sleep(DELAY_SECONDS)
            if await asyncio.to_thread(self._is_with_a_human, address):
                return
            while True:
                await self._bot.send_chat_action(int(address), ChatAction.TYPING)
                await asyncio.sleep(REPEAT_SECONDS)
        except (TelegramError, SQLAlchemyError, ValueError) as error:
            logger.info("the typing sign is not shown: %s", type(error).__name__)

    def _is_with_a_human(self, address: str) -> bool:
        index = self._store.cipher.index(f"telegram {address}")
        with self._store.database.reading() as connection:
            handoff = connection.execute(
                select(conversations.c.handoff).where(conversations.c.address_index == index)
            ).scalar_one_or_none()
        return bool(handoff == "active")
