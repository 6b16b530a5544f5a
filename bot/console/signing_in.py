"""Signing in: once by a link, then by name and password; and signing out."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from bot.console.accounts import AccountError, usable_name
from bot.console.passwords import MINIMUM_LENGTH, PasswordError
from bot.console.sessions import close_session, is_link_open, open_session, staff_with_password, use_link
from bot.console.visits import BASE, Visit, safe_address
from bot.storage.tables import staff

# The same words for an unknown name and a wrong password: neither tells who works here.
WRONG = "Deze naam en dit wachtwoord horen niet bij elkaar."
TOO_OFTEN = "Te veel pogingen met deze naam. Wacht vijf minuten en probeer het dan opnieuw."


def sign_in_page(visit: Visit) -> Response:
    """The form for name and password."""
    next_page = safe_address(visit.request.query_params.get("next", ""))
    if visit.session is not None:
        return visit.go_to(next_page)
    if visit.request.headers.get("sec-fetch-site") == "cross-site":
        # A link in another application does not bring the cookie along; asking once more from here does.
        return visit.render("continue.html", next_page=next_page)
    return visit.render("sign_in.html", next_page=next_page, name="", error=None)


def sign_in(visit: Visit) -> Response:
    """Check name and password."""
    now = visit.console.now()
    name, next_page = visit.form.get("name", "").strip(), safe_address(visit.form.get("next", ""))
    if not visit.console.attempts.begin(name, now):
        return visit.render("sign_in.html", 429, next_page=next_page, name=name, error=TOO_OFTEN)
    found = staff_with_password(visit.console.database, visit.console.passwords, name, visit.form.get("password", ""))
    if found is None:
        return visit.render("sign_in.html", 403, next_page=next_page, name=name, error=WRONG)
    visit.console.attempts.succeeded(name)
    with visit.console.database.transaction() as connection:
        token = open_session(connection, found, now)
    return visit.with_session(visit.go_to(next_page), token)


def link_page(visit: Visit) -> Response:
    """A one-time link was opened. Only the button uses it: a preview of the link in a chat does not."""
    with visit.console.database.reading() as connection:
        is_open = is_link_open(connection, visit.request.path_params["token"], visit.console.now())
    return visit.render("link.html", 200 if is_open else 410, is_open=is_open)


def follow_link(visit: Visit) -> Response:
    """The button of the link's page."""
    with visit.console.database.transaction() as connection:
        token = use_link(connection, visit.request.path_params["token"], visit.console.now())
    if token is None:
        return visit.render("link.html", 410, is_open=False)
    return visit.with_session(visit.go_to(f"{BASE}/welcome"), token)


def welcome_page(visit: Visit) -> Response:
    """The form for one's own name and password, after a link."""
    return visit.render("welcome.html", name=visit.who.name, error=None, minimum=MINIMUM_LENGTH)


def welcome(visit: Visit) -> Response:
    """Keep the chosen name and password."""
    name, password = visit.form.get("name", ""), visit.form.get("password", "")
    try:
        if password != visit.form.get("password_again", ""):
            raise PasswordError("De twee wachtwoorden zijn niet gelijk.")
        hashed = visit.console.passwords.hash(password, name)
        with visit.console.database.transaction() as connection:
            connection.execute(
                update(staff)
                .where(staff.c.id == visit.who.staff_id)
                .values(name=usable_name(connection, name, visit.who.staff_id), password_hash=hashed)
            )
    except (AccountError, PasswordError) as error:
        return visit.render("welcome.html", 422, name=name, error=str(error), minimum=MINIMUM_LENGTH)
    except IntegrityError:
        error_text = "Er is al een account met deze naam. Kies een andere naam."
        return visit.render("welcome.html", 422, name=name, error=error_text, minimum=MINIMUM_LENGTH)
    return visit.go_to(f"{BASE}/")


def sign_out(visit: Visit) -> Response:
    """End this session."""
    with visit.console.database.transaction() as connection:
        close_session(connection, visit.who)
    return visit.without_session(visit.go_to(f"{BASE}/sign-in"))
