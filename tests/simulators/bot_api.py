"""A Bot API server on this machine that behaves as the real one, for tests and for people who want to try things.

In a test:

    with BotApiServer() as server:
        sam = server.person(1, "Sam")
        sam.types("hoi")
        sam.wait_for_text("Wijzer")

By hand: `python -m tests.simulators.bot_api --port 8081`, then in another terminal
`TELEGRAM_BOT_TOKEN=12345:TEST TELEGRAM_API_URL=http://127.0.0.1:8081 wijzer run`, and type in the first one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.simulators.bot_api_methods import Methods
from tests.simulators.bot_api_people import WAIT_SECONDS, Group, Person
from tests.simulators.bot_api_state import ApiError, BotApiState, Call, Chat, Fault

TOKEN = "12345:TEST"
DESCRIPTIONS = {
    400: "Bad Request: refused by the test",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
# The real server waits longer and longer; a test has no time for that.
WEBHOOK_RETRY_SECONDS = 0.05


class BotApiServer:
    """A server in a thread of its own; a context manager.

    Args:
        token: the token that is known.
        port: 0 takes a free one.
        username: of the bot.
    """

    def __init__(self, token: str = TOKEN, port: int = 0, username: str = "wijzer_test_bot") -> None:
        self.state = BotApiState(token, username)
        self._methods = Methods(self.state)
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> BotApiServer:
        """Serve; returns when requests are answered."""
        application = Starlette(
            routes=[Route("/bot{token}/{method}", self._answer, methods=["GET", "POST"])], lifespan=self._lifespan
        )
        listener = socket.create_server(("127.0.0.1", self._port), reuse_port=False)
        self._port = listener.getsockname()[1]
        # Rasa pins a `websockets` that uvicorn cannot load.
        config = uvicorn.Config(application, log_level="critical", ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        # The socket listens already: a request that comes before the server is ready waits for it.
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="bot api simulator", daemon=True
        )
        with self.state.change():
            self.state.is_stopping = False
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving; what the server knows stays, for another start on the same port."""
        if self._server is not None and self._thread is not None:
            with self.state.change():
                self.state.is_stopping = True
            self._server.should_exit = True
            self._thread.join(timeout=10)
            self._server = None

    def __enter__(self) -> BotApiServer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What TELEGRAM_API_URL has to be."""
        return f"http://127.0.0.1:{self._port}"

    def person(self, chat_id: int, first_name: str = "Sam") -> Person:
        """Somebody who has not written to the bot yet."""
        with self.state.change():
            chat = self.state.chats.setdefault(chat_id, Chat(chat_id, "private", first_name))
        return Person(self.state, chat)

    def group(self, chat_id: int, title: str = "De klas") -> Group:
        """A group; its id is negative."""
        with self.state.change():
            chat = self.state.chats.setdefault(chat_id, Chat(chat_id, "group", title))
        return Group(self.state, chat)

    def refuse(self, method: str, code: int = 400, description: str | None = None) -> None:
        """Refuse a method from now on."""
        self._add_fault(method, code, description, None, None, None, False)

    def allow(self, method: str) -> None:
        """End all faults of a method."""
        with self.state.change():
            self.state.faults = [fault for fault in self.state.faults if fault.method != method]

    def fail_next(
        self,
        method: str,
        code: int,
        retry_after: int | None = None,
        times: int = 1,
        chat_id: int | None = None,
        description: str | None = None,
        after_the_work: bool = False,
    ) -> None:
        """Refuse the next calls of a method, of one chat or of any; `after_the_work` does the work and then fails."""
        self._add_fault(method, code, description, retry_after, times, chat_id, after_the_work)

    def calls(self, method: str) -> list[Call]:
        """The calls of a method so far, refused ones too."""
        with self.state.changed:
            return [call for call in self.state.calls if call.method.lower() == method.lower()]

    def wait_for_calls(self, method: str, count: int = 1, timeout_seconds: float = WAIT_SECONDS) -> list[Call]:
        """The calls of a method, as soon as there are that many."""
        found = self.wait_until(lambda: len(self.calls(method)) >= count and self.calls(method), timeout_seconds)
        assert found, f"no {count} calls of {method} within {timeout_seconds} s: {len(self.calls(method))}"
        calls: list[Call] = found
        return calls

    def wait_until(self, holds: Callable[[], Any], timeout_seconds: float = WAIT_SECONDS) -> Any:
        """What `holds` returns as soon as it is true; looked at after every change on the server."""
        return self.state.wait_until(holds, timeout_seconds)

    def deliver_again(self, update: dict[str, Any]) -> None:
        """Send an update once more, with the same id, as a server does whose confirmation got lost."""
        with self.state.change():
            self.state.updates.append(update)

    def _add_fault(
        self,
        method: str,
        code: int,
        description: str | None,
        retry_after: int | None,
        times: int | None,
        chat_id: int | None,
        after_the_work: bool,
    ) -> None:
        words = description or DESCRIPTIONS.get(code, "Error").format(retry_after=retry_after)
        error = ApiError(code, words, **({"retry_after": retry_after} if retry_after is not None else {}))
        with self.state.change():
            self.state.faults.append(Fault(method, error, times, chat_id, after_the_work))

    async def _answer(self, request: Request) -> JSONResponse:
        try:
            result = await self._result(request)
        except ApiError as error:
            headers = {"Retry-After": str(error.parameters["retry_after"])} if "retry_after" in error.parameters else {}
            return JSONResponse(error.as_json(), status_code=error.code, headers=headers)
        return JSONResponse({"ok": True, "result": result})

    async def _result(self, request: Request) -> Any:
        if request.path_params["token"] != self.state.token:
            raise ApiError(401, "Unauthorized")
        method = request.path_params["method"]
        parameters = await _parameters(request)
        with self.state.change():
            self.state.calls.append(Call(method, parameters))
        fault = self.state.fault_for(method, parameters.get("chat_id"))
        if fault is not None:
            raise fault
        result = await self._methods.call(method, parameters)
        fault = self.state.fault_for(method, parameters.get("chat_id"), after_the_work=True)
        if fault is not None:
            raise fault
        return result

    @contextlib.asynccontextmanager
    async def _lifespan(self, application: Starlette) -> AsyncIterator[None]:
        delivering = asyncio.create_task(self._deliver_to_webhook())
        try:
            yield
        finally:
            delivering.cancel()

    async def _deliver_to_webhook(self) -> None:
        """Post updates one after the other; one that is not answered with 2xx is tried again."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            with self.state.waiting() as changed:
                while True:
                    if self.state.webhook is None or not self.state.updates:
                        await changed.wait()
                        changed.clear()
                        continue
                    update = self.state.updates[0]
                    if await self._post(client, self.state.webhook, update):
                        with self.state.change():
                            self.state.updates.remove(update)
                    else:
                        await asyncio.sleep(WEBHOOK_RETRY_SECONDS)

    async def _post(self, client: httpx.AsyncClient, webhook: dict[str, Any], update: dict[str, Any]) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook["secret"]} if webhook["secret"] else {}
        try:
            response = await client.post(webhook["url"], json=update, headers=headers)
        except httpx.HTTPError:
            return False
        return response.is_success


async def _parameters(request: Request) -> dict[str, Any]:
    """Query, form or JSON, as the real server takes all three."""
    given: dict[str, Any] = dict(request.query_params)
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            given |= json.loads(await request.body() or b"{}")
        elif request.method == "POST":
            given |= dict(await request.form())
    except (ValueError, ClientDisconnect):
        raise ApiError(400, "Bad Request: can't parse the request") from None
    return given


def main() -> None:
    """Serve, and let one person type at the terminal; `#title` presses a button."""
    parser = argparse.ArgumentParser(description="A Bot API server on this machine.")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    with BotApiServer(options.token, options.port) as server:
        print(f"TELEGRAM_API_URL={server.url} TELEGRAM_BOT_TOKEN={options.token}", flush=True)
        person = server.person(1)
        threading.Thread(target=_print_messages, args=(server, person), daemon=True).start()
        try:
            for line in sys.stdin:
                _play(person, line.rstrip("\n"))
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _play(person: Person, line: str) -> None:
    if not line.startswith("#"):
        if line.strip():
            person.types(line)
        return
    try:
        person.presses(line[1:])
    except AssertionError as error:
        print(error, flush=True)


def _print_messages(server: BotApiServer, person: Person) -> None:
    shown = 0
    while True:
        server.wait_until(lambda seen=shown: len(person.messages) > seen, 3600)  # type: ignore[misc]
        for message in person.messages[shown:]:
            print(f"< {message.text}", *(f"  [#{title}]" for title in message.buttons), sep="\n", flush=True)
            shown += 1


if __name__ == "__main__":
    main()
