"""Corrections as labelled examples for the next training, in the form of `nlu_data/risk/*.jsonl`.

Only what the person consented to and a member of staff found anonymous goes out. A line holds the text, its label and the
audience, and the file is in the order of its texts: nothing in it says whose the line is, or when it came.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from bot.handoff.corrections import Judgement, judgement_of
from bot.language.examples import read_json_lines
from bot.settings import PROJECT_DIRECTORY
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.tables import conversations, corrections, messages

DEFAULT_FILE = PROJECT_DIRECTORY / "nlu_data" / "risk" / "corrected.jsonl"
REGISTER = "corrected"


@dataclass(frozen=True)
class Exported:
    """How many examples the file holds now, how many of them are new in it, and how many messages have a correction that may
    not be used.
    """

    examples: int
    added: int
    kept_back: int


def export_corrections(database: Database, cipher: Cipher, file: Path, now: datetime, again: bool = False) -> Exported:
    """Add the usable corrections that did not go out before to a file of examples.

    What the file holds stays, also when its conversation was erased since, and what somebody took out of it stays out. An
    example whose correction was withdrawn or replaced is taken out, as long as its conversation is there.

    Args:
        database: with the corrections.
        cipher: with the key of the data.
        file: made when it is not there.
        now: an aware moment.
        again: also add those that went out before, to this or another file.

    Raises:
        ValueError: a line of the file is broken; nothing was changed.
        OSError: the file cannot be written; nothing was changed.
    """
    present: dict[str, dict[str, Any]] = (
        {str(line["text"]): line for line in read_json_lines(file)} if file.exists() else {}
    )
    with database.transaction() as connection:
        current = _current(connection)
        usable = {row.id: judgement_of(row, cipher) for row in current if row.may_train}
        lines = {text: line for text, line in present.items() if text not in _withdrawn(connection, cipher, usable)}
        for row in current:
            if row.id in usable and (again or row.exported_at is None):
                line = example(usable[row.id], row.audience)
                lines[line["text"]] = line
        _write(file, [lines[text] for text in sorted(lines)])
        connection.execute(
            update(corrections)
            .where(corrections.c.id.in_(list(usable)), corrections.c.exported_at.is_(None))
            .values(exported_at=now)
        )
    return Exported(len(lines), len(lines.keys() - present.keys()), len(current) - len(usable))


def example(judgement: Judgement, audience: str | None) -> dict[str, str]:
    """The line of a judgement that may be used.

    Args:
        judgement: with its text.
        audience: for whom the bot wrote; None when the person did not say.
    """
    label = (
        {"kind": "ordinary"}
        if judgement.category is None
        else {"level": judgement.level, "category": judgement.category}
    )
    # On one line, as a chat message is read: a line break means nothing to the reader.
    text = " ".join((judgement.text or "").split())
    return {"text": text, **label, "audience": audience or "unknown", "register": REGISTER}


def _current(connection: Connection) -> list[Any]:
    """The last correction of each message."""
    rows = connection.execute(
        select(corrections, conversations.c.audience)
        .join(messages, messages.c.id == corrections.c.message_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .order_by(corrections.c.id)
    )
    return list({row.message_id: row for row in rows}.values())


def _withdrawn(connection: Connection, cipher: Cipher, usable: dict[int, Judgement]) -> set[str]:
    """The texts of corrections that went out before and do not count any more."""
    rows = connection.execute(select(corrections).where(corrections.c.exported_at.is_not(None)))
    return {example(judgement_of(row, cipher), None)["text"] for row in rows if row.id not in usable}


def _write(file: Path, lines: list[dict[str, Any]]) -> None:
    if not lines and not file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
