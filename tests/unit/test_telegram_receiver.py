"""The webhook's answers, the queue that stores, and the client's patience with what it cannot read."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient
from telegram import Update
from telegram.error import NetworkError

from bot.channels.telegram_client import UpdatesRequest, connect
from bot.channels.telegram_receiver import SECRET_HEADER, StoringQueue, Webhook, webhook_secret

TOKEN = "12345:SECRET"
MESSAGE = {
    "update_id": 1,
    "message": {"message_id": 1, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"}, "text": "hoi"},
}


class FakeReceiver:
    """Remembers updates, or fails with the given error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[Update] = []
        self._error = error

    async def take(self, update: Update) -> None:
        if self._error is not None:
            raise self._error
        self.taken.append(update)


def database_away() -> OperationalError:
    return OperationalError("INSERT", {}, Exception("no disk"))


def post(receiver: FakeReceiver, body: Any, secret: str | None = None) -> int:
    webhook = Webhook(receiver, connect(TOKEN, "http://127.0.0.1:1"), TOKEN)  # type: ignore[arg-type]
    application = Starlette(routes=[Route("/telegram/webhook", webhook.receive, methods=["POST"])])
    headers = {SECRET_HEADER: (webhook_secret(TOKEN) if secret is None else secret).encode("latin-1")}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status: int = TestClient(application).post("/telegram/webhook", content=content, headers=headers).status_code
    return status


def test_an_update_with_the_secret_is_stored() -> None:
    receiver = FakeReceiver()
    assert post(receiver, MESSAGE) == 200
    assert [update.update_id for update in receiver.taken] == [1]


@pytest.mark.parametrize("secret", ["", "wrong", webhook_secret("67890:OTHER"), "é"])
def test_an_update_without_the_secret_is_refused(secret: str) -> None:
    receiver = FakeReceiver()
    assert post(receiver, MESSAGE, secret) == 403
    assert receiver.taken == []


def test_something_that_is_no_json_is_refused() -> None:
    assert post(FakeReceiver(), b"{") == 400


@pytest.mark.parametrize("body", [[], "text", 5, None, {}, {"update_id": 1, "message": {"message_id": 1}}])
def test_an_update_that_cannot_be_read_is_acknowledged_and_passed_over(body: Any) -> None:
    receiver = FakeReceiver()
    assert post(receiver, body) == 200
    assert receiver.taken == []


def test_an_update_that_cannot_be_stored_is_asked_for_again() -> None:
    assert post(FakeReceiver(database_away()), MESSAGE) == 503


def test_the_secret_has_the_form_that_telegram_allows_and_does_not_show_the_token() -> None:
    secret = webhook_secret(TOKEN)
    assert len(secret) == 64 and secret.isalnum() and secret.isascii()
    assert "SECRET" not in secret


def test_polling_asks_again_for_an_update_that_cannot_be_stored() -> None:
    queue = StoringQueue(FakeReceiver(database_away()))  # type: ignore[arg-type]
    with pytest.raises(NetworkError):
        asyncio.run(queue.put(Update(1)))


def test_polling_goes_on_after_an_update_that_nobody_foresaw() -> None:
    queue = StoringQueue(FakeReceiver(KeyError("surprise")))  # type: ignore[arg-type]
    asyncio.run(queue.put(Update(1)))


def test_one_update_that_cannot_be_read_does_not_hold_up_the_others() -> None:
    broken = {"update_id": 2, "message": {"message_id": 1}}
    answer = UpdatesRequest.parse_json_payload(json.dumps({"ok": True, "result": [MESSAGE, broken]}).encode())
    assert answer["result"] == [MESSAGE, {"update_id": 2}]


def test_the_libraries_write_no_tokens_and_no_texts_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    connect(TOKEN, "http://127.0.0.1:1")
    with caplog.at_level(logging.INFO):
        logging.getLogger("httpx").info("HTTP Request: POST http://127.0.0.1:1/bot%s/getMe", TOKEN)
        logging.getLogger("telegram.Bot").critical("Received data was %r", MESSAGE)
    assert caplog.text == ""
