"""The tables. Columns of type `LargeBinary` hold encrypted values (`bot.storage.encryption`); times are UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment. SQLite keeps no zone, so every value goes in and comes out as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


conversations = Table(
    "conversations",
    metadata,
    Column("id", String(43), primary_key=True),
    Column("channel", String(16), nullable=False),
    # Blind index of (channel, address), by which a Telegram chat finds its conversation.
    Column("address_index", String(64), unique=True),
    Column("address", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_message_at", UtcDateTime, nullable=False),
    Column("audience", String(16)),
    Column("handoff", String(8), nullable=False, server_default="none"),
    Column("tracker", LargeBinary),
    Column("risk_memory", LargeBinary),
    # Erased as soon as no case needs it any more.
    Column("erase_requested", Boolean, nullable=False, server_default=false()),
    Column("lease_owner", String(43)),
    Column("lease_until", UtcDateTime),
    Index("ix_conversations_last_message_at", "last_message_at"),
)

incoming = Table(
    "incoming",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("update_id", String(128), nullable=False),
    Column("conversation_id", String(43), ForeignKey("conversations.id", ondelete="CASCADE")),
    Column("payload", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("handled_at", UtcDateTime),
    Column("claimed_until", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # What was answered, so that the same web message gets the same response again.
    Column("response", LargeBinary),
    UniqueConstraint("channel", "update_id", name="uq_incoming_channel_update_id"),
    Index("ix_incoming_waiting", "handled_at", "received_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(43), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("author", String(8), nullable=False),  # person, bot, staff, system
    Column("staff_id", Integer, ForeignKey("staff.id")),
    Column("text", LargeBinary, nullable=False),
    Column("buttons", LargeBinary),
    # What was understood of a person's message: intent, risk with its evidence and parts.
    Column("reading", LargeBinary),
    Column("risk_level", String(8)),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_messages_conversation", "conversation_id", "id"),
)

outgoing = Table(
    "outgoing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(43), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Integer, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("state", String(8), nullable=False, server_default="pending"),  # pending, sent, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("error", String(200)),
    Index("ix_outgoing_waiting", "state", "next_attempt_at"),
)

buttons = Table(
    "buttons",
    metadata,
    Column("token", String(43), primary_key=True),
    Column("conversation_id", String(43), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("title", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_buttons_conversation", "conversation_id"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("role", String(8), nullable=False),  # admin, staff
    Column("password_hash", String(256)),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("available", Boolean, nullable=False, server_default=true()),
    Column("last_seen_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", Integer, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", Integer, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
    Column("csrf_token", String(43), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(43), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("reason", String(16), nullable=False),  # risk, request, language, error
    Column("level", String(8), nullable=False),
    Column("category", String(24)),
    Column("state", String(8), nullable=False, server_default="waiting"),  # waiting, active, closed
    Column("opened_at", UtcDateTime, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("claimed_by", Integer, ForeignKey("staff.id")),
    Column("claimed_at", UtcDateTime),
    Column("closed_by", Integer, ForeignKey("staff.id")),
    Column("closed_at", UtcDateTime),
    Column("outcome", String(24)),
    Column("note", LargeBinary),
    Index("ix_cases_state", "state", "level"),
    Index("ix_cases_conversation", "conversation_id"),
    # One open case a conversation: a second disclosure raises it.
    Index(
        "uq_cases_open",
        "conversation_id",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
    Column("staff_id", Integer, ForeignKey("staff.id")),
    Column(
        "kind", String(16), nullable=False
    ),  # opened, raised, claimed, taken_over, replied, given_back, closed, corrected
    Column("level", String(8)),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_case_events_case", "case_id"),
)

# What staff say that a person's message was. Of one message the last counts.
corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", Integer, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("staff_id", Integer, ForeignKey("staff.id"), nullable=False),
    Column("level", String(8), nullable=False),  # none, concern, high, acute
    Column("category", String(24)),
    # Whether it may become a training example: with consent, and with a text that somebody read and found anonymous.
    Column("may_train", Boolean, nullable=False, server_default=false()),
    # That text; kept only when it may be used.
    Column("text", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    Column("exported_at", UtcDateTime),
    Index("ix_corrections_message", "message_id"),
)

key_checks = Table(
    "key_checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
