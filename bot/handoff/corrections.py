"""What staff say that a message was: kept beside the message and erased with it.

A label is never changed. Who thinks better of it gives another; of one message the last counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from bot.risk.reading import CATEGORIES, LEVELS
from bot.storage.encryption import Cipher
from bot.storage.tables import case_events, cases, corrections, messages, staff

MAXIMUM_TEXT_LENGTH = 2000
PURPOSE = "correction"


class CorrectionError(ValueError):
    """The correction is not complete; the message (Dutch) is for staff."""


@dataclass(frozen=True)
class Judgement:
    """What a message was, by somebody who read it.

    Attributes:
        level: one of LEVELS.
        category: one of CATEGORIES; None exactly at level none.
        text: for training, when the person consented and the text was read and found anonymous; else None.
    """

    level: str
    category: str | None
    text: str | None = None


@dataclass(frozen=True)
class Correction:
    """The last judgement on a message, whose it is, and when it was given (UTC)."""

    id: int
    judgement: Judgement
    name: str
    created_at: datetime
    exported_at: datetime | None


def correct(
    connection: Connection, cipher: Cipher, message: int, staff_id: int, judgement: Judgement, now: datetime
) -> None:
    """Keep what a member of staff says that a person's message was, and note it in the history of the conversation's case.

    Raises:
        CorrectionError: a label is missing or unknown, the text does not fit, or the message is not there (any more).
    """
    _check(judgement)
    conversation = connection.execute(
        select(messages.c.conversation_id).where(messages.c.id == message, messages.c.author == "person")
    ).scalar_one_or_none()
    if conversation is None:
        raise CorrectionError("Dit bericht bestaat niet meer.")
    # The text of an earlier one that did not go out is needed by nobody.
    connection.execute(
        update(corrections)
        .where(corrections.c.message_id == message, corrections.c.exported_at.is_(None))
        .values(may_train=False, text=None)
    )
    connection.execute(
        insert(corrections).values(
            message_id=message,
            staff_id=staff_id,
            level=judgement.level,
            category=judgement.category,
            may_train=judgement.text is not None,
            text=None if judgement.text is None else cipher.encrypt(judgement.text, PURPOSE),
            created_at=now,
        )
    )
    case = connection.execute(select(func.max(cases.c.id)).where(cases.c.conversation_id == conversation)).scalar_one()
    if case is not None:
        connection.execute(
            insert(case_events).values(
                case_id=case, staff_id=staff_id, kind="corrected", level=judgement.level, created_at=now
            )
        )


def corrections_of(connection: Connection, cipher: Cipher, conversation: str) -> dict[int, Correction]:
    """The last correction of each message of a conversation that has one, by the message's id."""
    rows = connection.execute(
        select(corrections, staff.c.name)
        .join(messages, messages.c.id == corrections.c.message_id)
        .join(staff, staff.c.id == corrections.c.staff_id)
        .where(messages.c.conversation_id == conversation)
        .order_by(corrections.c.id)
    )
    return {
        row.message_id: Correction(row.id, judgement_of(row, cipher), row.name, row.created_at, row.exported_at)
        for row in rows
    }


def judgement_of(row: Any, cipher: Cipher) -> Judgement:
    """The judgement in a row of the table."""
    text = cipher.decrypt(row.text, PURPOSE) if row.may_train and row.text is not None else None
    return Judgement(row.level, row.category, text)


def _check(judgement: Judgement) -> None:
    for problem in _problems(judgement):
        raise CorrectionError(problem)


def _problems(judgement: Judgement) -> Iterator[str]:
    if judgement.level not in LEVELS:
        yield "Kies wat dit bericht was: geen gevaar, zorg, hoog of acuut."
    if judgement.level == "none" and judgement.category is not None:
        yield "Bij geen gevaar hoort geen soort gevaar. Kies het een of het ander."
    if judgement.level != "none" and judgement.category not in CATEGORIES:
        yield "Kies ook om welk gevaar het ging."
    if judgement.text is not None and not judgement.text.strip():
        yield "De tekst is leeg. Haal het vinkje bij toestemming weg, of zet de tekst terug."
    if judgement.text is not None and len(judgement.text) > MAXIMUM_TEXT_LENGTH:
        yield f"De tekst is te lang om van te leren: hoogstens {MAXIMUM_TEXT_LENGTH} tekens."
