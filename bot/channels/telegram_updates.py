"""From a Telegram update to an incoming message: which ones count, and what they say. It sends and stores nothing."""

from __future__ import annotations

from telegram import CallbackQuery, ChatMember, Message, Update
from telegram.constants import ChatType

from bot.conversation.messages import IncomingMessage

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
# Telegram's own commands are short for these words. With anything behind it, or any other word, it is text that
# somebody typed: words are never dropped.
COMMANDS = {"/start": "hoi", "/help": "help", "/stop": "stoppen", "/wis": "wis mijn gesprek"}


def incoming_message(update: Update, bot_id: int) -> IncomingMessage | None:
    """The message in an update of a private chat, or None when there is nothing to answer.

    A photo, voice message, sticker and the like gives an empty text; its caption counts as text. The pictures of one
    album count as one message. Edited messages and messages in groups give None.

    Args:
        update: as Telegram sent it.
        bot_id: the bot's own number. It is part of the update id, as every bot numbers its updates by itself.
    """
    if update.callback_query is not None:
        return _pressed(update, update.callback_query, bot_id)
    message = update.message
    if message is None or message.chat.type != ChatType.PRIVATE:
        return None
    text = message.text or message.caption or ""
    if not text and message.effective_attachment is None:
        # Something that Telegram itself reports, such as a pinned message.
        return None
    return IncomingMessage(
        channel="telegram",
        address=str(message.chat.id),
        update_id=_update_id(update, message, text, bot_id),
        text=_without_command(text, message),
    )


def group_chat(update: Update) -> int | None:
    """The group in which the bot is or was addressed, where it does not belong; None for everything else."""
    membership = update.my_chat_member
    if membership is not None:
        present = membership.new_chat_member.status not in (ChatMember.LEFT, ChatMember.BANNED)
        is_group = membership.chat.type != ChatType.PRIVATE
        return membership.chat.id if present and is_group else None
    message = update.message
    if message is not None and message.chat.type != ChatType.PRIVATE:
        # That the bot itself was removed is the last that it hears of a group.
        return None if message.left_chat_member is not None else message.chat.id
    return None


def _pressed(update: Update, query: CallbackQuery, bot_id: int) -> IncomingMessage | None:
    chat = query.message.chat if query.message is not None else None
    if not query.data or (chat is not None and chat.type != ChatType.PRIVATE):
        return None
    return IncomingMessage(
        channel="telegram",
        address=str(chat.id if chat is not None else query.from_user.id),
        update_id=f"{bot_id}:{update.update_id}",
        button=query.data,
    )


def _update_id(update: Update, message: Message, text: str, bot_id: int) -> str:
    if message.media_group_id and not text:
        return f"{bot_id}:album:{message.chat.id}:{message.media_group_id}"
    return f"{bot_id}:{update.update_id}"


def _without_command(text: str, message: Message) -> str:
    name, at, username = text.strip().partition("@")
    if at and username.lower() != (_own_username(message) or username).lower():
        return text
    return COMMANDS.get(name.lower(), text)


def _own_username(message: Message) -> str | None:
    try:
        return str(message.get_bot().username)
    except RuntimeError:
        # A message without a connected bot, as in a webhook's first second.
        return None
