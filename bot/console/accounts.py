"""Staff accounts: made by an administrator, entered by a one-time link, closed without erasing what they did.

Used by the console, by the command line and at start.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.handoff import cases
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.tables import sessions, sign_ins, staff

ROLES = {"staff": "Medewerker", "admin": "Beheerder"}
MAXIMUM_NAME_LENGTH = 80
LINK_HOURS = 48
FIRST_NAME = "beheer"


class AccountError(ValueError):
    """The account cannot be made or changed like that; the message (Dutch) is for staff."""


@dataclass(frozen=True)
class Account:
    """One member of staff, as the list of accounts shows it; times are UTC."""

    id: int
    name: str
    role: str
    active: bool
    has_password: bool
    available: bool
    last_seen_at: datetime | None


def accounts(connection: Connection) -> list[Account]:
    """All accounts, the active ones first, by name."""
    rows = connection.execute(select(staff).order_by(staff.c.active.desc(), func.lower(staff.c.name)))
    return [_account(row) for row in rows]


def account(connection: Connection, staff_id: int) -> Account:
    """One account; raises AccountError when there is none."""
    row = connection.execute(select(staff).where(staff.c.id == staff_id)).one_or_none()
    if row is None:
        raise AccountError("Dit account bestaat niet.")
    return _account(row)


def create_staff(connection: Connection, name: str, role: str) -> int:
    """Make an account without password; returns its id.

    Args:
        connection: inside the caller's transaction.
        name: as colleagues and the people in the chat see it.
        role: `staff` or `admin`.

    Raises:
        AccountError: the name is empty, too long or taken, or the role does not exist.
    """
    name = usable_name(connection, name)
    _require_role(role)
    inserted = connection.execute(insert(staff).values(name=name, role=role, created_at=datetime.now(timezone.utc)))
    return int(inserted.inserted_primary_key[0])


def usable_name(connection: Connection, name: str, own_id: int | None = None) -> str:
    """The name, tidied; raises AccountError when it is empty, too long, or somebody else's (capitals do not matter)."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name or not name.isprintable():
        raise AccountError("Vul een naam in.")
    if len(name) > MAXIMUM_NAME_LENGTH:
        raise AccountError(f"Kies een naam van hoogstens {MAXIMUM_NAME_LENGTH} tekens.")
    taken = connection.execute(select(staff.c.id).where(is_named(name), staff.c.id != (own_id or 0))).first()
    if taken is not None:
        raise AccountError("Er is al een account met deze naam. Kies een andere naam.")
    return name


def is_named(name: str) -> Any:
    """The condition that finds an account by name, whatever the capitals."""
    return or_(staff.c.name == name, func.lower(staff.c.name) == name.lower())


def one_time_link(database: Database, settings: Settings, staff_id: int) -> str:
    """A link with which this member of staff signs in once and chooses a password; valid for LINK_HOURS.

    Raises:
        AccountError: there is no such active account.
    """
    with database.transaction() as connection:
        return make_link(connection, settings, staff_id, datetime.now(timezone.utc))


def make_link(connection: Connection, settings: Settings, staff_id: int, now: datetime) -> str:
    """`one_time_link` inside the caller's transaction."""
    if not account(connection, staff_id).active:
        raise AccountError("Dit account is gesloten.")
    token = secrets.token_urlsafe(32)
    connection.execute(delete(sign_ins).where(sign_ins.c.expires_at < now))
    connection.execute(
        insert(sign_ins).values(
            token_hash=token_hash(token), staff_id=staff_id, expires_at=now + timedelta(hours=LINK_HOURS)
        )
    )
    return f"{settings.base_url}/staff/sign-in/{token}"


def token_hash(token: str) -> str:
    """What is stored of a link's or a session's secret."""
    return hashlib.sha256(token.encode()).hexdigest()


def ensure_first_administrator(database: Database, settings: Settings) -> str | None:
    """A one-time link for the first administrator, made when missing; None once an administrator has a password.

    Each call gives a fresh link; earlier ones stay valid until one is used, because replicas start together.
    """
    try:
        return _link_of_first_administrator(database, settings)
    except IntegrityError:
        # Another replica that starts at the same moment made the account first.
        return _link_of_first_administrator(database, settings)


def _link_of_first_administrator(database: Database, settings: Settings) -> str | None:
    with database.transaction() as connection:
        if _administrators_with_password(connection):
            return None
        first = connection.execute(
            select(staff.c.id).where(staff.c.role == "admin", staff.c.active).order_by(staff.c.id).limit(1)
        ).scalar_one_or_none()
        if first is None:
            first = create_staff(connection, _free_name(connection), "admin")
        return make_link(connection, settings, first, datetime.now(timezone.utc))


def _free_name(connection: Connection) -> str:
    taken = set(connection.execute(select(func.lower(staff.c.name))).scalars())
    names = (FIRST_NAME, *(f"{FIRST_NAME} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def deactivate(connection: Connection, staff_id: int) -> None:
    """Close an account: signed out at once, its links void. What the person did stays in the cases' history.

    Raises:
        AccountError: there is no such account, or it is the last administrator.
    """
    closing = account(connection, staff_id)
    _keep_an_administrator(connection, closing)
    connection.execute(update(staff).where(staff.c.id == staff_id).values(active=False, password_hash=None))
    connection.execute(delete(sessions).where(sessions.c.staff_id == staff_id))
    connection.execute(delete(sign_ins).where(sign_ins.c.staff_id == staff_id))
    # Nobody may be left in a conversation in which the bot is silent and no human answers.
    cases.release(connection, staff_id)


def reactivate(connection: Connection, staff_id: int) -> None:
    """Open a closed account again; it needs a new one-time link."""
    account(connection, staff_id)
    connection.execute(update(staff).where(staff.c.id == staff_id).values(active=True))


def set_role(connection: Connection, staff_id: int, role: str) -> None:
    """Make someone an administrator, or no longer one.

    Raises:
        AccountError: the role does not exist, or it is the last administrator.
    """
    _require_role(role)
    changing = account(connection, staff_id)
    if role != "admin":
        _keep_an_administrator(connection, changing)
    connection.execute(update(staff).where(staff.c.id == staff_id).values(role=role))


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError("Kies een rol: medewerker of beheerder.")


def _keep_an_administrator(connection: Connection, changing: Account) -> None:
    if changing.role == "admin" and changing.active and _administrators_with_password(connection) <= {changing.id}:
        raise AccountError("Dit is de laatste beheerder. Maak eerst iemand anders beheerder.")


def _administrators_with_password(connection: Connection) -> set[int]:
    return set(
        connection.execute(
            select(staff.c.id).where(staff.c.role == "admin", staff.c.active, staff.c.password_hash.is_not(None))
        ).scalars()
    )


def _account(row: Any) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=row.role,
        active=row.active,
        has_password=row.password_hash is not None,
        available=row.available,
        last_seen_at=row.last_seen_at,
    )
