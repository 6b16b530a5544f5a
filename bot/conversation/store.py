"""The engine's reads and writes: a message received, a conversation leased and loaded, everything written at once.

No transaction is held while something is computed. The lease is a conditional update with an expiry; the closing transaction
checks it, so that a message is handled once, whatever is killed when.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.conversation.messages import Button, IncomingMessage, Outcome, Reply, UnknownButton, UnknownConversation
from bot.handoff import cases
from bot.handoff.cases import Signal
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.tables import buttons, conversations, incoming, messages
from bot.storage.tables import cases as case_table

CLAIM_SECONDS = 60
KEPT_BUTTONS_DAYS = 30
# No turn of the bot has more messages.
LONGEST_TURN = 20


class LeaseLost(RuntimeError):
    """Another process took the conversation over while this one computed; nothing was written."""


@dataclass(frozen=True)
class Received:
    """A stored message. `outcome` is what was answered when it was handled before."""

    id: int
    conversation: str
    outcome: Outcome | None = None


@dataclass(frozen=True)
class ConversationState:
    """What the engine knows of a conversation when it handles a message."""

    id: str
    channel: str
    audience: str | None
    handoff: str
    tracker: list[dict[str, Any]] | None
    risk_memory: dict[str, Any] | None
    is_new: bool


@dataclass
class Changes:
    """Everything that one message changes, written in one transaction."""

    message: IncomingMessage
    shown_text: str
    reading: dict[str, Any] | None = None
    risk_level: str | None = None
    replies: list[Reply] = field(default_factory=list)
    signal: Signal | None = None
    tracker: list[dict[str, Any]] | None = None
    risk_memory: dict[str, Any] | None = None
    audience: str | None = None
    erase: bool = False


class ConversationStore:
    """Reads and writes of the engine on one database."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self.database = database
        self.cipher = cipher

    def receive(self, message: IncomingMessage, now: datetime) -> Received:
        """Store a message before it is acknowledged; the same update id again gives what was stored.

        Raises:
            UnknownConversation: a web conversation with that id does not exist.
        """
        known = self.received(message)
        if known is not None:
            return known
        try:
            with self.database.transaction() as connection:
                return self._insert(connection, message, now)
        except IntegrityError:
            # Two replicas received the same update at once, or the same person's first two; the other one was first.
            known = self.received(message)
            if known is not None:
                return known
            with self.database.transaction() as connection:
                return self._insert(connection, message, now)

    def received(self, message: IncomingMessage) -> Received | None:
        """What is stored under a message's update id, with its outcome when it was handled; None when nothing is."""
        with self.database.reading() as connection:
            return self._received(connection, message)

    def _received(self, connection: Connection, message: IncomingMessage) -> Received | None:
        row = connection.execute(
            select(incoming).where(incoming.c.channel == message.channel, incoming.c.update_id == message.update_id)
        ).one_or_none()
        if row is None:
            return None
        outcome = None
        if row.handled_at is not None and row.response is not None:
            outcome = _outcome_from(self.cipher.decrypt_json(row.response, "response"))
        return Received(row.id, row.conversation_id, outcome)

    def _insert(self, connection: Connection, message: IncomingMessage, now: datetime) -> Received:
        conversation = self._find(connection, message) or self._create(connection, message, now)
        payload = self.cipher.encrypt_json({"text": message.text, "button": message.button}, "incoming")
        inserted = connection.execute(
            insert(incoming).values(
                channel=message.channel,
                update_id=message.update_id,
                conversation_id=conversation,
                payload=payload,
                received_at=now,
            )
        )
        return Received(inserted.inserted_primary_key[0], conversation)

    def _find(self, connection: Connection, message: IncomingMessage) -> str | None:
        if not message.address:
            return None
        if message.channel == "telegram":
            index = self.cipher.index(f"telegram {message.address}")
            found = connection.execute(select(conversations.c.id).where(conversations.c.address_index == index))
            return found.scalar_one_or_none()
        found = connection.execute(
            select(conversations.c.id).where(
                conversations.c.id == message.address, conversations.c.channel == message.channel
            )
        ).scalar_one_or_none()
        if found is None:
            raise UnknownConversation(message.address)
        return str(found)

    def _create(self, connection: Connection, message: IncomingMessage, now: datetime) -> str:
        conversation = secrets.token_urlsafe(32)
        values: dict[str, Any] = {"id": conversation, "channel": message.channel}
        if message.channel == "telegram":
            values["address_index"] = self.cipher.index(f"telegram {message.address}")
            values["address"] = self.cipher.encrypt(message.address, "address")
        connection.execute(insert(conversations).values(created_at=now, last_message_at=now, **values))
        return conversation

    def lease(self, conversation: str, owner: str, now: datetime, seconds: float) -> bool:
        """Reserve the conversation; False while somebody else has it."""
        with self.database.transaction() as connection:
            changed = connection.execute(
                update(conversations)
                .where(
                    conversations.c.id == conversation,
                    or_(conversations.c.lease_owner.is_(None), conversations.c.lease_until < now),
                )
                .values(lease_owner=owner, lease_until=now + timedelta(seconds=seconds))
            )
            return changed.rowcount == 1

    def release(self, conversation: str, owner: str) -> None:
        """Give a lease back without writing anything else."""
        with self.database.transaction() as connection:
            connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation, conversations.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None)
            )

    def free_leases(self) -> None:
        """Free every conversation; only for who knows that no other process works on the database."""
        with self.database.transaction() as connection:
            connection.execute(update(conversations).values(lease_owner=None, lease_until=None))

    def load(self, conversation: str) -> ConversationState:
        """The conversation's present state; raises UnknownConversation when it was erased meanwhile."""
        with self.database.reading() as connection:
            row = connection.execute(select(conversations).where(conversations.c.id == conversation)).one_or_none()
            if row is None:
                raise UnknownConversation(conversation)
            first = connection.execute(
                select(messages.c.id).where(messages.c.conversation_id == conversation).limit(1)
            ).first()
        return ConversationState(
            id=row.id,
            channel=row.channel,
            audience=row.audience,
            handoff=row.handoff,
            tracker=self.cipher.decrypt_json(row.tracker, "tracker") if row.tracker else None,
            risk_memory=self.cipher.decrypt_json(row.risk_memory, "risk memory") if row.risk_memory else None,
            is_new=first is None,
        )

    def pressed(self, conversation: str, token: str) -> Button:
        """The button behind a token: its title and its Rasa payload.

        Raises:
            UnknownButton: the token is not one of this conversation.
        """
        with self.database.reading() as connection:
            row = connection.execute(
                select(buttons).where(buttons.c.token == token, buttons.c.conversation_id == conversation)
            ).one_or_none()
        if row is None:
            raise UnknownButton(token)
        return Button(self.cipher.decrypt(row.title, "button"), self.cipher.decrypt(row.payload, "button"))

    def offered(self, conversation: str) -> list[Reply]:
        """The replies of the bot's last turn, with Rasa payloads in their buttons; none when a human wrote after it."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(messages.c.author, messages.c.text, messages.c.buttons)
                .where(messages.c.conversation_id == conversation)
                .order_by(messages.c.id.desc())
                .limit(LONGEST_TURN)
            ).all()
            turn = list(itertools.takewhile(lambda row: row.author == "bot", rows))[::-1]
            shown = [self.cipher.decrypt_json(row.buttons, "buttons") if row.buttons else [] for row in turn]
            tokens = [choice["payload"] for choices in shown for choice in choices]
            found = connection.execute(
                select(buttons.c.token, buttons.c.payload).where(
                    buttons.c.conversation_id == conversation, buttons.c.token.in_(tokens)
                )
            ).all()
        payloads = {row.token: self.cipher.decrypt(row.payload, "button") for row in found}
        return [
            Reply(
                self.cipher.decrypt(row.text, "message"),
                tuple(
                    Button(choice["title"], payloads[choice["payload"]])
                    for choice in choices
                    if choice["payload"] in payloads
                ),
            )
            for row, choices in zip(turn, shown)
        ]

    def close(
        self, received: Received, owner: str, changes: Changes, now: datetime, handoff_texts: HandoffTexts
    ) -> tuple[Outcome, bool]:
        """Write everything that a message changed, in one transaction, and end the lease.

        Returns:
            The outcome, and whether the queue of cases changed.

        Raises:
            LeaseLost: another process has the conversation now; nothing was written.
        """
        with self.database.transaction() as connection:
            released = connection.execute(
                update(conversations)
                .where(conversations.c.id == received.conversation, conversations.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None, last_message_at=now)
            )
            if released.rowcount != 1:
                raise LeaseLost(received.conversation)
            self._add_person_message(connection, received, changes, now)
            queue_changed = self._apply_signal(connection, received, changes, now, handoff_texts)
            handoff = self._update_conversation(connection, received, changes)
            outcome = self._add_replies(connection, received, changes, handoff, now)
            connection.execute(
                update(incoming)
                .where(incoming.c.id == received.id)
                .values(handled_at=now, response=self.cipher.encrypt_json(_outcome_as_dict(outcome), "response"))
            )
            if changes.erase:
                self._erase(connection, received, changes)
        return outcome, queue_changed

    def _add_person_message(self, connection: Connection, received: Received, changes: Changes, now: datetime) -> None:
        connection.execute(
            insert(messages).values(
                conversation_id=received.conversation,
                author="person",
                text=self.cipher.encrypt(changes.shown_text, "message"),
                reading=self.cipher.encrypt_json(changes.reading, "reading") if changes.reading else None,
                risk_level=changes.risk_level,
                created_at=now,
            )
        )

    def _apply_signal(
        self, connection: Connection, received: Received, changes: Changes, now: datetime, handoff_texts: HandoffTexts
    ) -> bool:
        if changes.signal is None:
            return False
        change = cases.open_or_raise(connection, received.conversation, changes.signal, now)
        handoff = connection.execute(
            select(conversations.c.handoff).where(conversations.c.id == received.conversation)
        ).scalar_one()
        if handoff == "waiting":
            changes.replies.extend(handoff_texts.waiting(connection, changes.audience, change == "opened", now))
        return change is not None

    def _update_conversation(self, connection: Connection, received: Received, changes: Changes) -> str:
        handoff = connection.execute(
            select(conversations.c.handoff).where(conversations.c.id == received.conversation)
        ).scalar_one()
        if handoff == "closed":
            # The person writes again after a human closed: the bot is there again.
            handoff = "none"
        connection.execute(
            update(conversations)
            .where(conversations.c.id == received.conversation)
            .values(
                tracker=self.cipher.encrypt_json(changes.tracker, "tracker") if changes.tracker else None,
                risk_memory=self.cipher.encrypt_json(changes.risk_memory, "risk memory")
                if changes.risk_memory
                else None,
                audience=changes.audience,
                handoff=handoff,
            )
        )
        return str(handoff)

    def _add_replies(
        self, connection: Connection, received: Received, changes: Changes, handoff: str, now: datetime
    ) -> Outcome:
        shown = []
        for reply in changes.replies:
            choices = []
            for button in reply.buttons:
                token = secrets.token_urlsafe(16)
                connection.execute(
                    insert(buttons).values(
                        token=token,
                        conversation_id=received.conversation,
                        title=self.cipher.encrypt(button.title, "button"),
                        payload=self.cipher.encrypt(button.payload, "button"),
                        created_at=now,
                    )
                )
                choices.append(Button(button.title, token))
            as_json = [{"title": choice.title, "payload": choice.payload} for choice in choices]
            cases.add_message(
                connection,
                self.cipher,
                received.conversation,
                changes.message.channel,
                "bot",
                reply.text,
                now,
                choices=as_json,
            )
            shown.append(Reply(reply.text, tuple(choices)))
        return Outcome(received.conversation, tuple(shown), handoff)

    def _erase(self, connection: Connection, received: Received, changes: Changes) -> None:
        """Erase now, or as soon as an open case is closed and the last replies are sent."""
        connection.execute(
            update(conversations).where(conversations.c.id == received.conversation).values(erase_requested=True)
        )
        cases.erase_if_asked(connection, received.conversation)

    def has_open_case(self, conversation: str) -> bool:
        """Whether a human still has to look at, or is in, the conversation."""
        with self.database.reading() as connection:
            row = connection.execute(
                select(conversations.c.handoff).where(conversations.c.id == conversation)
            ).scalar_one_or_none()
        return row in ("waiting", "active")

    def next_waiting(self, channel: str, now: datetime) -> tuple[IncomingMessage, int] | None:
        """Claim the oldest stored message of a channel that nobody handles, for a worker; None when there is none.

        Messages of one conversation are claimed in order: one whose predecessor is not handled yet has to wait.
        """
        while True:
            claimed = self._claim_next(channel, now)
            if claimed is not Ellipsis:
                return claimed

    def _claim_next(self, channel: str, now: datetime) -> Any:
        """A claimed message with its attempts; None when there is none, Ellipsis when another worker was faster."""
        earlier = incoming.alias()
        free = or_(incoming.c.claimed_until.is_(None), incoming.c.claimed_until < now)
        with self.database.reading() as connection:
            row = connection.execute(
                select(incoming)
                .where(
                    incoming.c.channel == channel,
                    incoming.c.handled_at.is_(None),
                    free,
                    ~select(earlier.c.id)
                    .where(
                        earlier.c.conversation_id == incoming.c.conversation_id,
                        earlier.c.handled_at.is_(None),
                        earlier.c.id < incoming.c.id,
                    )
                    .exists(),
                )
                .order_by(incoming.c.id)
                .limit(1)
            ).one_or_none()
        if row is None:
            return None
        with self.database.transaction() as connection:
            claimed = connection.execute(
                update(incoming)
                .where(incoming.c.id == row.id, incoming.c.handled_at.is_(None), free)
                .values(claimed_until=now + timedelta(seconds=CLAIM_SECONDS), attempts=incoming.c.attempts + 1)
            )
            if claimed.rowcount != 1:
                return ...
            address = connection.execute(
                select(conversations.c.address).where(conversations.c.id == row.conversation_id)
            ).scalar_one_or_none()
        payload = self.cipher.decrypt_json(row.payload, "incoming")
        where = self.cipher.decrypt(address, "address") if address else row.conversation_id
        message = IncomingMessage(row.channel, where, row.update_id, payload["text"], payload["button"])
        return message, row.attempts + 1

    def give_up(self, message: IncomingMessage, now: datetime) -> None:
        """Mark a message as handled that cannot be (a button of an erased conversation)."""
        with self.database.transaction() as connection:
            connection.execute(
                update(incoming)
                .where(incoming.c.channel == message.channel, incoming.c.update_id == message.update_id)
                .values(handled_at=now)
            )

    def forget_before(self, moment: datetime) -> int:
        """Erase conversations without a message since `moment` and without an open case; how many."""
        with self.database.transaction() as connection:
            open_case = (
                select(case_table.c.id)
                .where(case_table.c.conversation_id == conversations.c.id, case_table.c.state != "closed")
                .exists()
            )
            erased = connection.execute(
                delete(conversations).where(conversations.c.last_message_at < moment, ~open_case)
            )
            return int(erased.rowcount)


class HandoffTexts(Protocol):
    """What the person hears when a case waits; a small interface, so that the store needs no settings."""

    def waiting(self, connection: Connection, audience: str | None, is_new: bool, now: datetime) -> list[Reply]:
        """Replies that say, honestly, whether somebody is there now; `is_new` when the case was just opened."""


def _outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    return {
        "conversation": outcome.conversation,
        "handoff": outcome.handoff,
        "replies": [
            {"text": reply.text, "buttons": [{"title": b.title, "payload": b.payload} for b in reply.buttons]}
            for reply in outcome.replies
        ],
    }


def _outcome_from(value: dict[str, Any]) -> Outcome:
    replies = tuple(
        Reply(reply["text"], tuple(Button(button["title"], button["payload"]) for button in reply["buttons"]))
        for reply in value["replies"]
    )
    return Outcome(value["conversation"], replies, value["handoff"])
