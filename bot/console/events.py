"""Tells open pages that there is something new (server-sent events). The pages then fetch what changed.

A stream is also a sign of life of who is signed in; it ends when the session does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.console.case import find_case
from bot.console.conversations import conversation_of
from bot.console.sessions import Session, find_session
from bot.console.visits import Console, row_id, session_of
from bot.storage.notifications import Notifications

TICK_SECONDS = 30.0


def events_endpoint(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """The stream's endpoint: `?case=<id>` or `?conversation=<reference>` adds that conversation to the queue."""

    async def endpoint(request: Request) -> Response:
        session = await run_in_threadpool(session_of, console, request)
        if session is None or not session.has_password:
            raise HTTPException(403)
        topics = {"cases": "cases"}
        conversation = await run_in_threadpool(_conversation, console, request)
        if conversation is not None:
            topics["conversation"] = f"conversation:{conversation}"
        stream = changes(console.notifications, topics, _is_signed_in(console, session))
        return EventSourceResponse(stream, headers={"X-Accel-Buffering": "no"}, ping=3600)

    return endpoint


async def changes(
    notifications: Notifications,
    topics: dict[str, str],
    is_signed_in: Callable[[], Awaitable[bool]],
    tick_seconds: float = TICK_SECONDS,
) -> AsyncGenerator[ServerSentEvent, None]:
    """An event for every notification, and a `tick` when there was none for a while.

    Args:
        notifications: where to listen.
        topics: an event's name, and the topic that it stands for.
        is_signed_in: asked before every event; False ends the stream with `signed-out`.
        tick_seconds: time between signs of life.
    """
    waiting: dict[str, asyncio.Task[bool]] = {}
    with ExitStack() as stack:
        subscriptions = {name: stack.enter_context(notifications.subscribe(topic)) for name, topic in topics.items()}
        try:
            yield ServerSentEvent("", event="tick", retry=3000)
            while True:
                for name, subscription in subscriptions.items():
                    if name not in waiting:
                        waiting[name] = asyncio.create_task(subscription.wait(tick_seconds))
                done, _ = await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
                woken = [name for name, task in waiting.items() if task in done and task.result()]
                waiting = {name: task for name, task in waiting.items() if task not in done}
                if not await is_signed_in():
                    yield ServerSentEvent("", event="signed-out")
                    return
                for name in woken or ["tick"]:
                    yield ServerSentEvent("", event=name)
        finally:
            for task in waiting.values():
                task.cancel()


def _is_signed_in(console: Console, session: Session) -> Callable[[], Awaitable[bool]]:
    async def is_signed_in() -> bool:
        found = await run_in_threadpool(find_session, console.database, session.token_hash, console.now())
        return found is not None

    return is_signed_in


def _conversation(console: Console, request: Request) -> str | None:
    case_id, reference = row_id(request.query_params.get("case", "")), request.query_params.get("conversation", "")
    if reference:
        return conversation_of(reference, console.cipher)
    if not case_id:
        return None
    with console.database.reading() as connection:
        case = find_case(connection, console.cipher, case_id)
    return case.conversation if case else None
