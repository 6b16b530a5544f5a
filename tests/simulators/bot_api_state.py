"""What a Bot API server knows: chats, messages, updates that wait, and faults that a test asked for. Thread-safe."""

from __future__ import annotations

import asyncio
import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

# What a bot gets that never said what it wants; `chat_member` and reactions only on request.
KINDS_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class ApiError(Exception):
    """A refusal, as the real server words it."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


@dataclass
class Chat:
    """One chat as the server keeps it; `messages` are the server's own, of both sides, in order."""

    id: int
    kind: str = "private"
    name: str = "Sam"
    is_started: bool = False
    is_blocked: bool = False
    is_left: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The `Chat` of the Bot API."""
        named = {"first_name": self.name} if self.kind == "private" else {"title": self.name}
        return {"id": self.id, "type": self.kind, **named}


@dataclass(frozen=True)
class Call:
    """One request of the bot."""

    method: str
    parameters: dict[str, Any]


@dataclass
class Fault:
    """A refusal that waits for its request."""

    method: str
    error: ApiError
    times: int | None
    chat_id: int | None
    after_the_work: bool


class BotApiState:
    """Everything behind the HTTP surface.

    Args:
        token: the only token that is known.
        username: of the bot.
    """

    def __init__(self, token: str, username: str) -> None:
        self.token = token
        self.bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Wijzer",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.changed = threading.Condition(threading.RLock())
        self.chats: dict[int, Chat] = {}
        self.updates: list[dict[str, Any]] = []
        self.next_update_id = 700_000_001
        self.allowed_updates: list[str] = []
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.unanswered_queries: set[str] = set()
        self.webhook: dict[str, Any] | None = None
        self.profile: dict[str, Any] = {}
        self.poll_number = 0
        self.is_stopping = False
        self._message_ids = itertools.count(1)
        self._query_ids = itertools.count(4_000_000_000)
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @contextmanager
    def change(self) -> Iterator[None]:
        """A change that wakes everybody who waits for one, here and in the server's event loop."""
        with self.changed:
            yield
            self.changed.notify_all()
            for loop, event in self._waiters:
                loop.call_soon_threadsafe(event.set)

    def wait_until(self, holds: Callable[[], Any], timeout_seconds: float) -> Any:
        """What `holds` returns as soon as that is true or not empty; its last value when the time is over."""
        deadline = time.monotonic() + timeout_seconds
        with self.changed:
            value = holds()
            while not value and time.monotonic() < deadline:
                self.changed.wait(max(0.0, deadline - time.monotonic()))
                value = holds()
            return value

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that every change sets."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self.changed:
            self._waiters.add(waiter)
        try:
            yield waiter[1]
        finally:
            with self.changed:
                self._waiters.discard(waiter)

    def add_update(self, kind: str, content: dict[str, Any]) -> int | None:
        """Queue an update for the bot; None when the bot did not ask for that kind."""
        with self.change():
            wanted = kind in self.allowed_updates if self.allowed_updates else kind not in KINDS_ON_REQUEST
            if not wanted:
                return None
            update_id = self.next_update_id
            self.next_update_id += 1
            self.updates.append({"update_id": update_id, kind: copy.deepcopy(content)})
            return update_id

    def add_message(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        """A message in a chat, by a person or the bot."""
        with self.change():
            message = {
                "message_id": next(self._message_ids),
                "from": sender,
                "chat": chat.as_json(),
                "date": int(time.time()),
                **content,
            }
            chat.messages.append(message)
            return message

    def new_query_id(self) -> str:
        """The id of a pressed button, to be answered once."""
        with self.change():
            query_id = str(next(self._query_ids))
            self.unanswered_queries.add(query_id)
            return query_id

    def confirm(self, offset: int) -> None:
        """Forget updates below the offset; a negative one keeps that many of the last."""
        with self.change():
            if offset < 0:
                self.updates = self.updates[offset:]
            elif offset:
                self.updates = [update for update in self.updates if update["update_id"] >= offset]

    def fault_for(self, method: str, chat_id: Any, after_the_work: bool = False) -> ApiError | None:
        """The refusal that a test asked for, used up by one."""
        with self.change():
            for fault in self.faults:
                if fault.method.lower() != method.lower() or fault.after_the_work != after_the_work:
                    continue
                if fault.chat_id is not None and str(fault.chat_id) != str(chat_id):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault.error
        return None
