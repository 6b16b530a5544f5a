"""The page on which administrators make, change and close accounts."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from bot.console import accounts
from bot.console.accounts import LINK_HOURS, ROLES, AccountError
from bot.console.visits import BASE, Visit
from bot.storage.tables import cases as case_table


def staff_page(visit: Visit) -> Response:
    """All accounts, and a form for a new one."""
    return _shown(visit)


def add(visit: Visit) -> Response:
    """Make an account and show the link to hand over."""

    def change(connection: Connection) -> str:
        staff_id = accounts.create_staff(connection, visit.form.get("name", ""), visit.form.get("role", "staff"))
        return accounts.make_link(connection, visit.console.settings, staff_id, visit.console.now())

    return _changed(visit, change)


def new_link(visit: Visit) -> Response:
    """Another link, for somebody who lost the first one or forgot the password."""

    def change(connection: Connection) -> str:
        return accounts.make_link(connection, visit.console.settings, _staff_id(visit), visit.console.now())

    return _changed(visit, change)


def change_role(visit: Visit) -> Response:
    """Administrator or not."""

    def change(connection: Connection) -> None:
        accounts.set_role(connection, _staff_id(visit), visit.form.get("role", ""))

    return _changed(visit, change)


def close_account(visit: Visit) -> Response:
    """Deactivate an account."""

    def change(connection: Connection) -> None:
        if _staff_id(visit) == visit.who.staff_id:
            raise AccountError("Je kunt je eigen account niet sluiten. Vraag een andere beheerder.")
        accounts.deactivate(connection, _staff_id(visit))

    return _changed(visit, change)


def reopen_account(visit: Visit) -> Response:
    """Activate an account again, with a new link."""

    def change(connection: Connection) -> str:
        accounts.reactivate(connection, _staff_id(visit))
        return accounts.make_link(connection, visit.console.settings, _staff_id(visit), visit.console.now())

    return _changed(visit, change)


def _changed(visit: Visit, change: Callable[[Connection], str | None]) -> Response:
    try:
        with visit.console.database.transaction() as connection:
            link = change(connection)
    except AccountError as error:
        return _shown(visit, 409, error=str(error))
    except IntegrityError:
        return _shown(visit, 409, error="Er is al een account met deze naam. Kies een andere naam.")
    if link is None:
        return visit.go_to(f"{BASE}/staff-accounts")
    # Shown once, on this page only: it is not stored readable.
    return _shown(visit, link=link)


def _shown(visit: Visit, status: int = 200, error: str | None = None, link: str | None = None) -> Response:
    with visit.console.database.reading() as connection:
        everyone = accounts.accounts(connection)
        held: dict[int, list[int]] = {}
        for case_id, holder in connection.execute(
            select(case_table.c.id, case_table.c.claimed_by).where(case_table.c.state == "active")
        ):
            held.setdefault(holder, []).append(case_id)
    return visit.render(
        "staff_accounts.html",
        status,
        everyone=everyone,
        held=held,
        roles=ROLES,
        link=link,
        link_hours=LINK_HOURS,
        error=error,
        typed=visit.form if error else {},
    )


def _staff_id(visit: Visit) -> int:
    return visit.number("staff_id")
