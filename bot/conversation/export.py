"""Everything that is kept of one conversation, readable: for the person who asks what is stored about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.handoff.corrections import Correction, corrections_of
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.tables import cases, conversations, messages


def export_conversation(database: Database, cipher: Cipher, conversation: str) -> dict[str, Any] | None:
    """The conversation with its messages and cases as JSON values; None when there is none by that id."""
    with database.reading() as connection:
        row = connection.execute(select(conversations).where(conversations.c.id == conversation)).one_or_none()
        if row is None:
            return None
        written = connection.execute(
            select(messages).where(messages.c.conversation_id == conversation).order_by(messages.c.id)
        ).all()
        opened = connection.execute(
            select(cases).where(cases.c.conversation_id == conversation).order_by(cases.c.id)
        ).all()
        corrected = corrections_of(connection, cipher, conversation)
    return {
        "conversation": row.id,
        "channel": row.channel,
        "address": cipher.decrypt(row.address, "address") if row.address else None,
        "audience": row.audience,
        "created_at": row.created_at.isoformat(),
        "messages": [
            {
                "author": one.author,
                "text": cipher.decrypt(one.text, "message"),
                "at": one.created_at.isoformat(),
                "reading": cipher.decrypt_json(one.reading, "reading") if one.reading else None,
                "correction": _correction(corrected.get(one.id)),
            }
            for one in written
        ],
        "cases": [
            {
                "reason": one.reason,
                "level": one.level,
                "category": one.category,
                "state": one.state,
                "opened_at": one.opened_at.isoformat(),
                "outcome": one.outcome,
                "note": cipher.decrypt(one.note, "case note") if one.note else None,
            }
            for one in opened
        ],
    }


def _correction(correction: Correction | None) -> dict[str, Any] | None:
    if correction is None:
        return None
    return {
        "level": correction.judgement.level,
        "category": correction.judgement.category,
        "text_for_training": correction.judgement.text,
        "at": correction.created_at.isoformat(),
        "used_at": correction.exported_at.isoformat() if correction.exported_at else None,
    }
