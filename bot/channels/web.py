"""The web chat: the JSON interface, the stream of what staff write, and the page itself."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from bot.channels.web_conversations import WebConversations
from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import (
    MAXIMUM_TEXT_LENGTH,
    IncomingMessage,
    Outcome,
    UnknownButton,
    UnknownConversation,
)
from bot.handoff.texts import buttons, text
from bot.storage.notifications import Notifications

HERE = Path(__file__).resolve().parent
MAXIMUM_BODY_BYTES = 200_000
# A message id that a client made at random; a shorter one is only trusted together with who sent it.
RANDOM_ID_LENGTH = 16
STREAM_TICK_SECONDS = 15.0
# Where "Snel weg" leads: a page that anybody, a child too, looks at for no reason (the weather).
EXIT_URL = "https://www.buienradar.nl/"
GONE = "Dit gesprek bestaat niet (meer). Begin een nieuw gesprek."
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


class BadRequest(ValueError):
    """The request is not of the form that the interface takes; `status` and a message (Dutch) say how."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class WebChannel:
    """Routes of the web chat.

    Args:
        engine: answers messages.
        notifications: wakes the stream when something new is in a conversation.
        exit_url: neutral page to which the quick exit leads.
    """

    def __init__(self, engine: ConversationEngine, notifications: Notifications, exit_url: str = EXIT_URL) -> None:
        self._engine = engine
        self._conversations = WebConversations(engine.store)
        self._notifications = notifications
        self._exit_url = exit_url
        self._templates = Jinja2Templates(HERE / "templates")

    def routes(self) -> list[BaseRoute]:
        """All routes, to be put at the root."""
        return [
            Route("/", self.page),
            Route("/api/messages", self.post_message, methods=["POST"]),
            Route("/api/conversations/{conversation}", self.erase, methods=["DELETE"]),
            Route("/api/conversations/{conversation}/events", self.events),
            Route("/api/conversations/{conversation}/messages", self.history),
            Mount("/static", _FreshFiles(directory=HERE / "static"), name="static"),
            Route("/manifest.webmanifest", self.manifest),
            Route("/favicon.ico", lambda request: RedirectResponse("/static/icon.svg")),
        ]

    async def page(self, request: Request) -> Response:
        """The chat page, with the opening already there."""
        opening = text("opening_web", None)
        context = {
            "opening": opening.splitlines(),
            "buttons": [title for title, _ in buttons("opening_web", None)],
            "exit_url": self._exit_url,
        }
        response = self._templates.TemplateResponse(request, "chat.html", context)
        response.headers.update(
            {
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            }
        )
        return response

    async def manifest(self, request: Request) -> Response:
        """A neutral name and icon: a shared phone shows nothing of what this is about."""
        icon = {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}
        return JSONResponse(
            {"name": "Notities", "short_name": "Notities", "start_url": "/", "display": "browser", "icons": [icon]},
            media_type="application/manifest+json",
        )

    async def post_message(self, request: Request) -> Response:
        """One message or pressed button in, the replies out."""
        try:
            body = await _body(request)
            message = _message(body, request)
            outcome = await self._engine.handle(message)
        except BadRequest as error:
            return _error(error.status, str(error))
        except UnknownConversation:
            return _error(404, GONE)
        except UnknownButton:
            return _error(422, "Deze knop hoort niet bij dit gesprek. Typ je antwoord.")
        return _PlainJson(as_json(outcome))

    async def history(self, request: Request) -> Response:
        """The last messages of a conversation, for a person who chose to keep it on this device."""
        conversation = request.path_params["conversation"]
        rows, handoff = await asyncio.to_thread(self._conversations.history, conversation)
        if handoff is None:
            return _error(404, GONE)
        return _PlainJson({"messages": rows, "handoff": handoff})

    async def erase(self, request: Request) -> Response:
        """Erase a conversation at once, or, while a human still needs it, as soon as the case is closed."""
        conversation = request.path_params["conversation"]
        if not await asyncio.to_thread(self._conversations.erase, conversation):
            return _error(404, GONE)
        await asyncio.to_thread(self._notifications.notify, f"conversation:{conversation}", "cases")
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """What staff and the system write, as server-sent events.

        Each event carries the message's id, so that a browser that reconnects (`Last-Event-ID`) misses nothing; a new
        connection starts with what comes next, unless `?after=ID` asks for more.
        """
        conversation = request.path_params["conversation"]
        if not await asyncio.to_thread(self._conversations.exists, conversation):
            return _error(404, GONE)
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        start = int(after) if after and after.isdecimal() and len(after) < 19 else None
        return EventSourceResponse(self._stream(conversation, start), ping=15, headers={"Cache-Control": "no-store"})

    async def _stream(self, conversation: str, after: int | None) -> AsyncIterator[dict[str, Any]]:
        with self._notifications.subscribe(f"conversation:{conversation}") as subscription:
            last = after
            if last is None:
                last = await asyncio.to_thread(self._conversations.last_message, conversation)
            shown_handoff = None
            while True:
                rows, handoff = await asyncio.to_thread(self._conversations.news, conversation, last)
                if handoff is None:
                    yield {"event": "erased", "data": "{}"}
                    return
                if handoff != shown_handoff:
                    shown_handoff = handoff
                    yield {"event": "handoff", "data": json.dumps({"handoff": handoff})}
                for row in rows:
                    last = row["id"]
                    yield {"event": "message", "id": str(last), "data": json.dumps(row)}
                await subscription.wait(STREAM_TICK_SECONDS)


class _PlainJson(JSONResponse):
    """JSON in ASCII, as a text may hold half an emoji, which UTF-8 cannot; a browser does not keep it."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content, headers={"Cache-Control": "no-store"})

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class _FreshFiles(StaticFiles):
    """Static files that a browser asks for again, so that after an update no old script meets a new page."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, to be checked by its ETag each time."""
        response = super().file_response(*args, **kwargs)
        response.headers.update({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})
        return response


def as_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the interface gives it."""
    return {
        "conversation": outcome.conversation,
        "replies": [
            {
                "text": reply.text,
                "buttons": [{"title": button.title, "payload": button.payload} for button in reply.buttons],
            }
            for reply in outcome.replies
        ],
        "handoff": outcome.handoff,
    }


async def _body(request: Request) -> dict[str, Any]:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAXIMUM_BODY_BYTES:
            raise BadRequest(413, "Dit bericht is te lang. Maak het korter.")
    try:
        body = json.loads(content)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(400, "Dit is geen geldige JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest(422, "Stuur een JSON-object met `conversation` en `text`.")
    return body


def _message(body: dict[str, Any], request: Request) -> IncomingMessage:
    conversation = _field(body, "conversation", 200)
    typed = _field(body, "text", None) or ""
    payload = _field(body, "payload", 200)
    message_id = _field(body, "message_id", 200)
    if isinstance(body.get("message_id"), int):
        message_id = str(body["message_id"])
    if len(typed) > MAXIMUM_TEXT_LENGTH:
        raise BadRequest(413, f"Dit bericht is te lang. Maak het korter dan {MAXIMUM_TEXT_LENGTH} tekens.")
    if not payload and not typed.strip():
        raise BadRequest(422, "Het bericht is leeg. Typ eerst iets.")
    if payload and not conversation:
        raise BadRequest(422, "Een knop hoort bij een gesprek. Stuur `conversation` mee.")
    return IncomingMessage(
        channel="web",
        address=conversation or "",
        update_id=_update_id(conversation, message_id, typed, request),
        text=typed,
        button=payload,
    )


def _field(body: dict[str, Any], name: str, maximum: int | None) -> str | None:
    value = body.get(name)
    if value is None or (name == "message_id" and isinstance(value, int)):
        return None
    if not isinstance(value, str):
        raise BadRequest(422, f"`{name}` moet tekst zijn.")
    if maximum is not None and len(value) > maximum:
        raise BadRequest(422, f"`{name}` is te lang.")
    return value or None


def _update_id(conversation: str | None, message_id: str | None, typed: str, request: Request) -> str:
    """Under which a message is handled once.

    For a first message there is no conversation yet. The same response again gives away the conversation's secret, so
    a message id that could be guessed counts only with the same text from the same address.
    """
    if message_id is None:
        return secrets.token_urlsafe(24)
    if conversation:
        return hashlib.sha256(f"{conversation} {message_id}".encode("utf-8", "surrogatepass")).hexdigest()
    client = "" if len(message_id) >= RANDOM_ID_LENGTH else request.client.host if request.client else ""
    sender = f"new {message_id} {client} {typed}"
    return hashlib.sha256(sender.encode("utf-8", "surrogatepass")).hexdigest()


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
