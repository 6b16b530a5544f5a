"""What the web chat reads of a conversation besides the answer to a message: what staff wrote, its history, its end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import Select

from bot.conversation.store import ConversationStore
from bot.handoff import cases
from bot.storage.tables import conversations, messages, staff

CHANNEL = "web"
HISTORY_LENGTH = 100


class WebConversations:
    """Reads of conversations of the web channel, and erasing them. Blocking: call it from a thread."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store

    def exists(self, conversation: str) -> bool:
        """Whether there is a web conversation with that id."""
        with self._store.database.reading() as connection:
            return _handoff(connection, conversation) is not None

    def last_message(self, conversation: str) -> int:
        """The id of the newest message; 0 when there is none."""
        newest = (
            select(messages.c.id)
            .where(messages.c.conversation_id == conversation)
            .order_by(messages.c.id.desc())
            .limit(1)
        )
        with self._store.database.reading() as connection:
            return int(connection.execute(newest).scalar_one_or_none() or 0)

    def news(self, conversation: str, after: int) -> tuple[list[dict[str, Any]], str | None]:
        """What staff and the system wrote after a message, oldest first, and the handoff state (None: erased)."""
        newer = (
            _with_names(conversation)
            .where(messages.c.id > after, messages.c.author.in_(("staff", "system")))
            .order_by(messages.c.id)
        )
        with self._store.database.reading() as connection:
            handoff = _handoff(connection, conversation)
            rows = connection.execute(newer).all()
        return [self._as_json(row) for row in rows], handoff

    def history(self, conversation: str) -> tuple[list[dict[str, Any]], str | None]:
        """The last HISTORY_LENGTH messages of everyone, oldest first, and the handoff state (None: erased)."""
        newest_first = _with_names(conversation).order_by(messages.c.id.desc()).limit(HISTORY_LENGTH)
        with self._store.database.reading() as connection:
            handoff = _handoff(connection, conversation)
            rows = connection.execute(newest_first).all() if handoff is not None else []
        return [self._as_json(row, with_buttons=True) for row in reversed(rows)], handoff

    def erase(self, conversation: str) -> bool:
        """Erase now, or as soon as its open case is closed; False when there is no such conversation."""
        with self._store.database.transaction() as connection:
            asked = connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation, conversations.c.channel == CHANNEL)
                .values(erase_requested=True)
            )
            if asked.rowcount != 1:
                return False
            cases.erase_if_asked(connection, conversation)
        return True

    def _as_json(self, row: Any, with_buttons: bool = False) -> dict[str, Any]:
        cipher = self._store.cipher
        message = {
            "id": row.id,
            "author": row.author,
            "name": row.name,
            "text": cipher.decrypt(row.text, "message"),
            "at": row.created_at.isoformat(),
        }
        if with_buttons:
            message["buttons"] = cipher.decrypt_json(row.buttons, "buttons") if row.buttons else []
        return message


def _with_names(conversation: str) -> Select:
    return (
        select(messages, staff.c.name)
        .outerjoin(staff, staff.c.id == messages.c.staff_id)
        .where(messages.c.conversation_id == conversation)
    )


def _handoff(connection: Connection, conversation: str) -> str | None:
    state: str | None = connection.execute(
        select(conversations.c.handoff).where(conversations.c.id == conversation, conversations.c.channel == CHANNEL)
    ).scalar_one_or_none()
    return state
