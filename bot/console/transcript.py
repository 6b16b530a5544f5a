"""A conversation as staff read it: decrypted, with the words marked on which risk was read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.engine import Connection

from bot.console.reasons import Reason, reasons_of
from bot.handoff.corrections import Correction, corrections_of
from bot.risk.reading import RiskReading, Span
from bot.storage.encryption import Cipher
from bot.storage.tables import messages, outgoing, staff

# A person may send half of an emoji as JSON; no page can hold it. One sign for another keeps the offsets.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN_MESSAGES = 200


@dataclass(frozen=True)
class Segment:
    """A piece of a text, marked as evidence or not."""

    text: str
    is_evidence: bool


@dataclass(frozen=True)
class Line:
    """One message of the transcript.

    Attributes:
        author: person, bot, staff or system.
        name: of the member of staff, else None.
        level: as read from a person's message; None when nothing was read.
        score: of that reading, 0-1.
        reasons: the parts of the reading that found something.
        intent: name and confidence (0-1), or None.
        delivery: pending, sent or failed on channels that push, else None.
        correction: what staff said last that this message was.
    """

    id: int
    author: str
    name: str | None
    segments: tuple[Segment, ...]
    created_at: datetime
    choices: tuple[str, ...] = ()
    level: str | None = None
    category: str | None = None
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()
    intent: tuple[str, float] | None = None
    delivery: str | None = None
    correction: Correction | None = None


@dataclass(frozen=True)
class Transcript:
    """The last messages, oldest first, and how many lie before them."""

    lines: tuple[Line, ...]
    is_cut: bool


def read_transcript(
    connection: Connection, cipher: Cipher, conversation: str, limit: int | None = SHOWN_MESSAGES
) -> Transcript:
    """The messages of a conversation.

    Args:
        connection: for reading.
        cipher: with the key of the data.
        conversation: id.
        limit: how many of the last messages; None for all.
    """
    query = (
        select(messages, staff.c.name.label("staff_name"), outgoing.c.state.label("delivery"))
        .outerjoin(staff, staff.c.id == messages.c.staff_id)
        .outerjoin(outgoing, outgoing.c.message_id == messages.c.id)
        .where(messages.c.conversation_id == conversation)
        .order_by(messages.c.id.desc())
    )
    rows = list(connection.execute(query.limit(limit + 1) if limit else query))
    is_cut = bool(limit) and len(rows) > (limit or 0)
    corrected = corrections_of(connection, cipher, conversation)
    lines = (_line(row, cipher, corrected.get(row.id)) for row in reversed(rows[:limit]))
    return Transcript(tuple(lines), is_cut)


def read_line(connection: Connection, cipher: Cipher, conversation: str, message: int) -> Line | None:
    """One message that the person of this conversation wrote; None when there is none by that id."""
    row = connection.execute(
        select(messages, literal(None).label("staff_name"), literal(None).label("delivery")).where(
            messages.c.id == message, messages.c.conversation_id == conversation, messages.c.author == "person"
        )
    ).one_or_none()
    return _line(row, cipher, corrections_of(connection, cipher, conversation).get(message)) if row else None


def marked(text: str, spans: Iterable[Span]) -> tuple[Segment, ...]:
    """The text in pieces, those inside the spans marked.

    Args:
        text: as typed.
        spans: start and end in code points; may overlap or lie outside the text.
    """
    is_evidence = bytearray(len(text))
    for start, end in spans:
        start, end = max(0, start), min(len(text), end)
        if start < end:
            is_evidence[start:end] = b"\1" * (end - start)
    shown = shown_text(text)
    pieces: list[Segment] = []
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or is_evidence[position] != is_evidence[start]:
            pieces.append(Segment(shown[start:position], bool(is_evidence[start])))
            start = position
    return tuple(pieces)


def plain_text(line: Line) -> str:
    """The whole text of a message, as a page can hold it."""
    return "".join(segment.text for segment in line.segments)


def shown_text(text: str) -> str:
    """The text as a page can hold it, as long as before."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _line(row: Any, cipher: Cipher, correction: Correction | None) -> Line:
    text = cipher.decrypt(row.text, "message")
    stored = cipher.decrypt_json(row.reading, "reading") if row.reading else {}
    choices = cipher.decrypt_json(row.buttons, "buttons") if row.buttons else []
    risk = RiskReading.from_dict(stored.get("risk"))
    return Line(
        id=row.id,
        author=row.author,
        name=row.staff_name,
        segments=marked(text, risk.evidence if risk.level != "none" else ()),
        created_at=row.created_at,
        choices=tuple(shown_text(choice["title"]) for choice in choices),
        level=row.risk_level or (risk.level if stored else None),
        category=risk.category,
        score=risk.score,
        reasons=tuple(reasons_of(risk, shown_text(text))),
        intent=_intent(stored.get("intent")),
        delivery=row.delivery,
        correction=correction,
    )


def _intent(value: Any) -> tuple[str, float] | None:
    if not isinstance(value, dict) or not value.get("name"):
        return None
    return str(value["name"]), float(value.get("confidence") or 0.0)
