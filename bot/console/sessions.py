"""Who is signed in: a random token in a cookie, its hash in the database, for a working day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.engine import Connection

from bot.console.accounts import is_named, token_hash
from bot.console.passwords import Passwords
from bot.storage.database import Database
from bot.storage.tables import sessions, sign_ins, staff

SESSION_HOURS = 12
# A sign of life is written at most this often, so that reading pages does not queue up for the database's writer.
SEEN_SECONDS = 15


@dataclass(frozen=True)
class Session:
    """A member of staff who is signed in. `csrf_token` has to come back in every form."""

    token_hash: str
    staff_id: int
    name: str
    role: str
    available: bool
    has_password: bool
    csrf_token: str

    @property
    def is_administrator(self) -> bool:
        """Whether this person may manage accounts and take over from a colleague."""
        return self.role == "admin"


def open_session(connection: Connection, staff_id: int, now: datetime) -> str:
    """Sign somebody in; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    connection.execute(delete(sessions).where(sessions.c.expires_at < now))
    connection.execute(
        insert(sessions).values(
            token_hash=token_hash(token),
            staff_id=staff_id,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=now + timedelta(hours=SESSION_HOURS),
        )
    )
    connection.execute(update(staff).where(staff.c.id == staff_id).values(last_seen_at=now))
    return token


def find_session(database: Database, hashed_token: str, now: datetime) -> Session | None:
    """The session of a token's hash, with a sign of life noted; None when it is over or the account is closed."""
    with database.reading() as connection:
        row = connection.execute(
            select(sessions, staff)
            .join(staff, staff.c.id == sessions.c.staff_id)
            .where(sessions.c.token_hash == hashed_token, sessions.c.expires_at > now, staff.c.active)
        ).one_or_none()
    if row is None:
        return None
    if row.last_seen_at is None or row.last_seen_at < now - timedelta(seconds=SEEN_SECONDS):
        note_sign_of_life(database, row.staff_id, now)
    return Session(
        token_hash=row.token_hash,
        staff_id=row.staff_id,
        name=row.name,
        role=row.role,
        available=row.available,
        has_password=row.password_hash is not None,
        csrf_token=row.csrf_token,
    )


def note_sign_of_life(database: Database, staff_id: int, now: datetime) -> None:
    """Somebody is at the console: the bot may say that a human is there."""
    with database.transaction() as connection:
        connection.execute(
            update(staff)
            .where(staff.c.id == staff_id, or_(staff.c.last_seen_at.is_(None), staff.c.last_seen_at < now))
            .values(last_seen_at=now)
        )


def close_session(connection: Connection, session: Session) -> None:
    """Sign out. Without another session the person counts as gone at once."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == session.token_hash))
    other = connection.execute(select(sessions.c.token_hash).where(sessions.c.staff_id == session.staff_id)).first()
    if other is None:
        connection.execute(update(staff).where(staff.c.id == session.staff_id).values(last_seen_at=None))


def staff_with_password(database: Database, passwords: Passwords, name: str, password: str) -> int | None:
    """Whose name and password these are; None, after the same time, for an unknown name and for a wrong password."""
    with database.reading() as connection:
        row = connection.execute(
            select(staff.c.id, staff.c.password_hash).where(is_named(name), staff.c.active)
        ).first()
    fits = passwords.fits(row.password_hash if row else None, password)
    return int(row.id) if row and fits else None


def is_link_open(connection: Connection, token: str, now: datetime) -> bool:
    """Whether a one-time link can still be used."""
    found = connection.execute(
        select(sign_ins.c.token_hash)
        .join(staff, staff.c.id == sign_ins.c.staff_id)
        .where(
            sign_ins.c.token_hash == token_hash(token),
            sign_ins.c.used_at.is_(None),
            sign_ins.c.expires_at > now,
            staff.c.active,
        )
    ).first()
    return found is not None


def use_link(connection: Connection, token: str, now: datetime) -> str | None:
    """Use a one-time link up and sign its owner in, who then chooses a password; the cookie's token.

    A link also replaces a forgotten password: the old one, other sessions and other links end. None when the link was
    used before, is too old, or belongs to a closed account.
    """
    if not is_link_open(connection, token, now):
        return None
    used = connection.execute(
        update(sign_ins)
        .where(sign_ins.c.token_hash == token_hash(token), sign_ins.c.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1:
        return None
    owner = connection.execute(
        select(sign_ins.c.staff_id).where(sign_ins.c.token_hash == token_hash(token))
    ).scalar_one()
    connection.execute(delete(sign_ins).where(sign_ins.c.staff_id == owner, sign_ins.c.used_at.is_(None)))
    connection.execute(delete(sessions).where(sessions.c.staff_id == owner))
    connection.execute(update(staff).where(staff.c.id == owner).values(password_hash=None))
    return open_session(connection, int(owner), now)
