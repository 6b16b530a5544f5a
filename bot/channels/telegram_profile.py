"""What Telegram itself shows of the bot: its commands, its description, and the one sentence for groups."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from telegram import BotCommand
from telegram.error import TelegramError
from telegram.ext import ExtBot

logger = logging.getLogger(__name__)

# A parent may look over a child's shoulder at this list: nothing in it says more than the bot's name does.
COMMANDS = (
    BotCommand("start", "Begin met praten"),
    BotCommand("help", "Wat kan Wijzer?"),
    BotCommand("stop", "Stoppen"),
    BotCommand("wis", "Wis mijn gesprek"),
)
SHORT_DESCRIPTION = "Wijzer is een computer. Voor vragen over ouders die uit elkaar gaan."
DESCRIPTION = (
    "Hoi, ik ben Wijzer, een computer. Ik help met vragen over ouders die uit elkaar gaan, en zoek hulp dichtbij.\n\n"
    "Medewerkers kunnen meelezen. Je naam is niet nodig.\n\n"
    "Nu gevaar: bel 112"
)
GROUP_TEXT = "Ik werk alleen in een gesprek met één persoon. Stuur mij een eigen bericht. Ik ga nu uit deze groep."


async def publish(bot: ExtBot[int]) -> None:
    """Set commands and descriptions. The server may refuse any of them: that is logged, and nothing else changes."""
    calls: dict[str, Callable[[], Awaitable[bool]]] = {
        "setMyCommands": lambda: bot.set_my_commands(COMMANDS),
        "setMyDescription": lambda: bot.set_my_description(DESCRIPTION),
        "setMyShortDescription": lambda: bot.set_my_short_description(SHORT_DESCRIPTION),
    }
    for name, call in calls.items():
        try:
            await call()
        except TelegramError as error:
            logger.warning("the Bot API server refused %s (%s); the bot works without it", name, type(error).__name__)
