"""One visit to a page of the console: who comes, what they sent, and what they may do.

Pages are plain functions `(Visit) -> Response`. `page` runs them in a thread, after it checked the session, the role
and, for a POST, the token that proves that the form was ours.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.console.accounts import token_hash
from bot.console.passwords import Attempts, Passwords
from bot.console.sessions import SESSION_HOURS, Session, find_session
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.encryption import Cipher
from bot.storage.notifications import Notifications

BASE = "/staff"
SESSION_COOKIE = "wijzer_staff"
# Before somebody is signed in, a form is proven by a cookie of its own.
FORM_COOKIE = "wijzer_staff_form"
MAXIMUM_FIELDS = 20
MAXIMUM_ID = 2**31 - 1
_PAGES_WITH_FORMS = re.compile(rf"{BASE}/(?:cases/[0-9]+|conversations/[\w-]+|staff-accounts)(?=/|$)")


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Console:
    """What all pages share."""

    database: Database
    cipher: Cipher
    notifications: Notifications
    settings: Settings
    templates: Environment
    passwords: Passwords = field(default_factory=Passwords)
    attempts: Attempts = field(default_factory=Attempts)
    now: Callable[[], datetime] = _now

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which moments are shown."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies may travel by https only."""
        return (self.settings.public_url or "").startswith("https://")


@dataclass(frozen=True)
class Visit:
    """One request. `session` is None only on pages for people who are not signed in."""

    console: Console
    request: Request
    form: Mapping[str, str]
    session: Session | None
    form_token: str

    @property
    def who(self) -> Session:
        """The member of staff; only on pages that ask for one."""
        if self.session is None:
            raise HTTPException(403)
        return self.session

    def number(self, name: str) -> int:
        """The whole number in the page's address; raises HTTPException 404 when no row can have it."""
        value = row_id(str(self.request.path_params[name]))
        if value == 0:
            raise HTTPException(404)
        return value

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page from its template, which also gets `session`, `csrf`, `now`, `zone`, `path` and `back`."""
        html = self.console.templates.get_template(template).render(
            session=self.session,
            csrf=self.form_token,
            now=self.console.now(),
            zone=self.console.zone,
            path=self.request.url.path,
            back=self.request.url.path if self.request.method == "GET" else page_behind(self.request.url.path),
            **values,
        )
        response = HTMLResponse(html, status_code=status)
        if self.session is None:
            self._set_cookie(response, FORM_COOKIE, self.form_token)
        return response

    def go_to(self, address: str) -> RedirectResponse:
        """Send the browser to another page with a GET."""
        return RedirectResponse(address, status_code=303)

    def with_session(self, response: Response, token: str) -> Response:
        """Keep the session's token in the browser."""
        self._set_cookie(response, SESSION_COOKIE, token, SESSION_HOURS * 3600)
        response.delete_cookie(FORM_COOKIE, path=BASE)
        return response

    def without_session(self, response: Response) -> Response:
        """Take the session's token out of the browser."""
        response.delete_cookie(SESSION_COOKIE, path=BASE)
        return response

    def _set_cookie(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=BASE,
            secure=self.console.cookies_are_secure,
            httponly=True,
            samesite="strict",
        )


Page = Callable[[Visit], Response]


def page(
    console: Console, *, get: Page | None = None, post: Page | None = None, only: str = "staff"
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a page.

    Args:
        console: what all pages share.
        get: what answers a GET.
        post: what answers a POST.
        only: `staff` (signed in, with a password), `new` (signed in by a link, no password yet), `admin`, or `anyone`.
    """

    async def endpoint(request: Request) -> Response:
        form = await read_form(request) if request.method == "POST" else {}
        session = await run_in_threadpool(session_of, console, request)
        answer = post if request.method == "POST" else get
        if answer is None:
            raise HTTPException(405)
        refusal = _refusal(request, session, only)
        if refusal is not None:
            return refusal
        token = session.csrf_token if session else request.cookies.get(FORM_COOKIE, "")
        if request.method == "POST":
            _require_token(form.get("csrf", ""), token)
        visit = Visit(console, request, form, session, token or secrets.token_urlsafe(32))
        return await run_in_threadpool(answer, visit)

    return endpoint


def session_of(console: Console, request: Request) -> Session | None:
    """The session of the request's cookie, if it has a good one."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return find_session(console.database, token_hash(token), console.now()) if token else None


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form; lines end in a line feed alone.

    Raises:
        HTTPException: 400 when it is no such form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(400)
    try:
        fields = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MAXIMUM_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    return {name: value.replace("\r\n", "\n") for name, value in fields}


def row_id(value: str) -> int:
    """A row's id as sent by a browser; 0, which no row has, for anything else."""
    is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(MAXIMUM_ID))
    return int(value) if is_number and int(value) <= MAXIMUM_ID else 0


def safe_address(address: str) -> str:
    """The address when it is a page of this console, else the queue: a sign-in link must not lead elsewhere."""
    is_ours = address.startswith(BASE + "/") and address.isprintable() and "\\" not in address and "//" not in address
    return address if is_ours else f"{BASE}/"


def page_behind(path: str) -> str:
    """The page on which a posted form stood, by the address that it was posted to."""
    found = _PAGES_WITH_FORMS.match(path)
    return found.group() if found else f"{BASE}/"


def _refusal(request: Request, session: Session | None, only: str) -> Response | None:
    if only == "anyone":
        return None
    if session is None:
        next_page = request.url.path if request.method == "GET" else page_behind(request.url.path)
        return RedirectResponse(f"{BASE}/sign-in?next={quote(safe_address(next_page))}", status_code=303)
    if (only == "new") == session.has_password:
        return RedirectResponse(f"{BASE}/" if only == "new" else f"{BASE}/welcome", status_code=303)
    if only == "admin" and not session.is_administrator:
        raise HTTPException(403)
    return None


def _require_token(given: str, expected: str) -> None:
    if not expected or not secrets.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(403, "form")
