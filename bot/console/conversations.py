"""Conversations, also those without a case. The list shows no words; opening one is noted in the process log."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.console.transcript import SHOWN_MESSAGES, read_transcript
from bot.console.visits import Visit
from bot.risk.reading import LEVELS
from bot.storage.encryption import Cipher, DataKeyError
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, messages

logger = logging.getLogger(__name__)
SHOWN_CONVERSATIONS = 100


@dataclass(frozen=True)
class ConversationEntry:
    """One conversation in the list.

    Attributes:
        reference: what stands in the address of its page. The id itself is the person's own key to the conversation
            and stays out of addresses, histories and logs.
        level: the highest that was read from a message.
        open_case: id of the case that is open, or None.
    """

    reference: str
    level: str
    audience: str | None
    handoff: str
    last_message_at: datetime
    open_case: int | None


def conversations_page(visit: Visit) -> Response:
    """The most recent conversations."""
    with visit.console.database.reading() as connection:
        entries = recent_conversations(connection, visit.console.cipher)
    return visit.render("conversations.html", entries=entries, limit=SHOWN_CONVERSATIONS)


def conversation_page(visit: Visit) -> Response:
    """The transcript of one conversation, to read only."""
    cipher = visit.console.cipher
    conversation = conversation_of(visit.request.path_params["reference"], cipher)
    with visit.console.database.reading() as connection:
        row = connection.execute(select(conversations).where(conversations.c.id == conversation)).one_or_none()
        if row is None:
            raise HTTPException(404)
        transcript = read_transcript(
            connection, cipher, conversation, None if "alles" in visit.request.query_params else SHOWN_MESSAGES
        )
        open_case = connection.execute(
            select(case_table.c.id).where(case_table.c.conversation_id == conversation, case_table.c.state != "closed")
        ).scalar_one_or_none()
    logger.info("staff %d opened conversation %s", visit.who.staff_id, fingerprint(conversation))
    return visit.render(
        "conversation.html",
        conversation=row,
        transcript=transcript,
        fingerprint=fingerprint(conversation),
        open_case=open_case,
        reference=visit.request.path_params["reference"],
    )


def recent_conversations(
    connection: Connection, cipher: Cipher, limit: int = SHOWN_CONVERSATIONS
) -> list[ConversationEntry]:
    """The conversations with the newest messages, the newest first."""
    rank = case({level: number for number, level in enumerate(LEVELS)}, value=messages.c.risk_level, else_=0)
    highest = select(func.max(rank)).where(messages.c.conversation_id == conversations.c.id).scalar_subquery()
    rows = connection.execute(
        select(conversations, highest.label("highest"), case_table.c.id.label("open_case"))
        .outerjoin(case_table, (case_table.c.conversation_id == conversations.c.id) & (case_table.c.state != "closed"))
        .order_by(conversations.c.last_message_at.desc())
        .limit(limit)
    )
    return [
        ConversationEntry(
            reference=reference_of(row.id, cipher),
            level=LEVELS[row.highest or 0],
            audience=row.audience,
            handoff=row.handoff,
            last_message_at=row.last_message_at,
            open_case=row.open_case,
        )
        for row in rows
    ]


def reference_of(conversation: str, cipher: Cipher) -> str:
    """The conversation's id, sealed for use in an address of the console."""
    return base64.urlsafe_b64encode(cipher.encrypt(conversation, "console reference")).decode().rstrip("=")


def conversation_of(reference: str, cipher: Cipher) -> str:
    """The id again; raises HTTPException 404 when the reference is not one of ours."""
    try:
        sealed = base64.urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
        return cipher.decrypt(sealed, "console reference")
    except (binascii.Error, DataKeyError, ValueError):
        raise HTTPException(404) from None


def fingerprint(conversation: str) -> str:
    """The conversation's mark on pages and in logs (12 hexadecimal digits): the id itself would open it."""
    return hashlib.sha256(conversation.encode()).hexdigest()[:12]
