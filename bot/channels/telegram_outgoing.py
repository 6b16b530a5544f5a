"""The messages that wait to be sent, as the database keeps them: claimed, sent, put off or failed.

Claims are conditional updates with an expiry, so that two processes never take the same message, and one that was
killed gives its messages free by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.conversation.messages import Button
from bot.handoff import cases
from bot.storage.database import Database
from bot.storage.encryption import Cipher, DataKeyError
from bot.storage.tables import conversations, incoming, messages, outgoing

CHANNEL = "telegram"
CLAIM_SECONDS = 60
MAXIMUM_ERROR_LENGTH = 200


@dataclass(frozen=True)
class Delivery:
    """One claimed message.

    Attributes:
        id: of the row in `outgoing`.
        conversation: the conversation's id.
        address: the Telegram chat.
        text: what to send.
        buttons: choices under it; their payload is an opaque token.
        attempts: how often sending was tried, this time included.
    """

    id: int
    conversation: str
    address: str
    text: str
    buttons: tuple[Button, ...]
    attempts: int


class Outgoing:
    """Telegram's rows of the table `outgoing`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    def claim(self, now: datetime) -> Delivery | None:
        """Claim the longest waiting message that is due; None when there is none.

        The messages of one conversation go in order: one whose predecessor is not sent yet has to wait for it.
        """
        while True:
            with self._database.reading() as connection:
                row = self._next(connection, now)
            if row is None:
                return None
            with self._database.transaction() as connection:
                claimed = connection.execute(
                    update(outgoing)
                    .where(outgoing.c.id == row.id, outgoing.c.state == "pending", _free(now))
                    .values(claimed_until=now + timedelta(seconds=CLAIM_SECONDS), attempts=outgoing.c.attempts + 1)
                )
                if claimed.rowcount != 1:
                    # Another process was faster: look for the next one.
                    continue
                delivery = self._read(connection, row)
                if delivery is None:
                    _end(connection, row.id, state="failed", error="the message cannot be read with this data key")
                    continue
            return delivery

    def sent(self, delivery: Delivery, now: datetime) -> bool:
        """Note that a message was sent; True when the conversation was erased with it, as the person had asked."""
        with self._database.transaction() as connection:
            _end(connection, delivery.id, state="sent", sent_at=now)
            return cases.erase_if_asked(connection, delivery.conversation)

    def failed(self, delivery: Delivery, error: str) -> bool:
        """Note that a message can never be sent; True when the conversation was erased with it."""
        with self._database.transaction() as connection:
            _end(connection, delivery.id, state="failed", error=error[:MAXIMUM_ERROR_LENGTH])
            return cases.erase_if_asked(connection, delivery.conversation)

    def put_off(self, delivery: Delivery, until: datetime, error: str | None = None) -> None:
        """Try a message again later; the ones behind it in its conversation wait with it, all others go on."""
        with self._database.transaction() as connection:
            _end(connection, delivery.id, next_attempt_at=until, error=error)

    def free_claims(self) -> None:
        """Forget the claims of a killed process, on received messages too; only when no other process runs."""
        with self._database.transaction() as connection:
            for table in (outgoing, incoming):
                waiting = table.c.state == "pending" if table is outgoing else table.c.handled_at.is_(None)
                connection.execute(update(table).where(table.c.channel == CHANNEL, waiting).values(claimed_until=None))

    def _next(self, connection: Connection, now: datetime) -> Any:
        earlier = outgoing.alias()
        return connection.execute(
            select(
                outgoing.c.id,
                outgoing.c.conversation_id,
                outgoing.c.attempts,
                messages.c.text,
                messages.c.buttons,
                conversations.c.address,
            )
            .join(messages, messages.c.id == outgoing.c.message_id)
            .join(conversations, conversations.c.id == outgoing.c.conversation_id)
            .where(
                outgoing.c.channel == CHANNEL,
                outgoing.c.state == "pending",
                outgoing.c.next_attempt_at <= now,
                _free(now),
                ~select(earlier.c.id)
                .where(
                    earlier.c.conversation_id == outgoing.c.conversation_id,
                    earlier.c.state == "pending",
                    earlier.c.id < outgoing.c.id,
                )
                .exists(),
            )
            .order_by(outgoing.c.id)
            .limit(1)
        ).one_or_none()

    def _read(self, connection: Connection, row: Any) -> Delivery | None:
        try:
            choices = self._cipher.decrypt_json(row.buttons, "buttons") if row.buttons else []
            return Delivery(
                id=row.id,
                conversation=row.conversation_id,
                address=self._cipher.decrypt(row.address, "address"),
                text=self._cipher.decrypt(row.text, "message"),
                buttons=tuple(Button(choice["title"], choice["payload"]) for choice in choices),
                attempts=row.attempts + 1,
            )
        except (DataKeyError, TypeError):
            return None


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(outgoing.c.claimed_until.is_(None), outgoing.c.claimed_until < now)


def _end(connection: Connection, delivery_id: int, **values: Any) -> None:
    """End a claim. The row may be gone: the conversation was erased meanwhile."""
    connection.execute(update(outgoing).where(outgoing.c.id == delivery_id).values(claimed_until=None, **values))
