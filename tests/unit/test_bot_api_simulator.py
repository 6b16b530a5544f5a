"""The simulated Bot API server answers as the real one, so that what holds against it holds there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.simulators.bot_api import TOKEN, BotApiServer

TOO_LONG_A_TOKEN = {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]}


@pytest.fixture
def server() -> Iterator[BotApiServer]:
    with BotApiServer() as running:
        yield running


def call(server: BotApiServer, method: str, token: str = TOKEN, **parameters: Any) -> dict[str, Any]:
    answer = httpx.post(f"{server.url}/bot{token}/{method}", json=parameters, trust_env=False, timeout=15)
    body: dict[str, Any] = answer.json()
    assert answer.status_code == body.get("error_code", 200)
    return body


def refusal(server: BotApiServer, method: str, **parameters: Any) -> tuple[int, str]:
    body = call(server, method, **parameters)
    assert body["ok"] is False
    return body["error_code"], body["description"]


def test_a_wrong_token_is_unauthorized(server: BotApiServer) -> None:
    assert call(server, "getMe", token="12345:OTHER") == {"ok": False, "error_code": 401, "description": "Unauthorized"}


def test_an_unknown_method_is_not_found_and_names_have_no_case(server: BotApiServer) -> None:
    assert refusal(server, "getCoffee") == (404, "Not Found")
    assert call(server, "GETME")["result"]["username"] == "wijzer_test_bot"


def test_an_update_comes_again_until_it_is_confirmed(server: BotApiServer) -> None:
    first, second = server.person(1).types("een"), server.person(1).types("twee")
    for _ in range(2):
        assert [update["update_id"] for update in call(server, "getUpdates")["result"]] == [first, second]
    assert [update["update_id"] for update in call(server, "getUpdates", offset=second)["result"]] == [second]
    assert [update["update_id"] for update in call(server, "getUpdates")["result"]] == [second]


def test_a_poll_waits_for_an_update(server: BotApiServer) -> None:
    timer = threading.Timer(0.1, lambda: server.person(1).types("daar ben ik"))
    timer.start()
    (update,) = call(server, "getUpdates", timeout=10)["result"]
    assert update["message"]["text"] == "daar ben ik"


def test_only_the_kinds_that_were_asked_for_come(server: BotApiServer) -> None:
    call(server, "getUpdates", allowed_updates=["callback_query"])
    assert server.person(1).types("hoi") is None
    assert call(server, "getUpdates")["result"] == []


def test_a_second_poller_sends_the_first_one_away(server: BotApiServer) -> None:
    answers: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: answers.append(call(server, "getUpdates", timeout=10)))
    first.start()
    server.wait_until(lambda: server.state.poll_number == 1)
    call(server, "getUpdates", timeout=0)
    first.join(timeout=10)
    assert answers[0]["error_code"] == 409


def test_there_is_no_polling_while_a_webhook_is_set(server: BotApiServer) -> None:
    call(server, "setWebhook", url="http://127.0.0.1:9/nobody")
    assert refusal(server, "getUpdates")[0] == 409
    call(server, "deleteWebhook")
    assert call(server, "getUpdates")["ok"]


@pytest.mark.parametrize(
    ("parameters", "code", "description"),
    [
        ({"text": "hoi"}, 400, "Bad Request: chat_id is empty"),
        ({"chat_id": 99, "text": "hoi"}, 400, "Bad Request: chat not found"),
        ({"chat_id": 2, "text": "hoi"}, 403, "Forbidden: bot can't initiate conversation with a user"),
        ({"chat_id": 1, "text": " "}, 400, "Bad Request: message text is empty"),
        ({"chat_id": 1, "text": "a" * 4097}, 400, "Bad Request: message is too long"),
        (
            {"chat_id": 1, "text": "a", "reply_markup": TOO_LONG_A_TOKEN},
            400,
            "Bad Request: BUTTON_DATA_INVALID",
        ),
    ],
)
def test_a_message_that_the_real_server_refuses_is_refused(
    server: BotApiServer, parameters: dict[str, Any], code: int, description: str
) -> None:
    server.person(1).types("hoi")
    server.person(2)
    assert refusal(server, "sendMessage", **parameters) == (code, description)


def test_a_limit_says_how_long_to_wait_and_ends(server: BotApiServer) -> None:
    server.person(1).types("hoi")
    server.fail_next("sendMessage", 429, retry_after=3)
    limited = call(server, "sendMessage", chat_id=1, text="hoi")
    assert limited["parameters"] == {"retry_after": 3}
    assert limited["description"] == "Too Many Requests: retry after 3"
    assert call(server, "sendMessage", chat_id=1, text="hoi")["ok"]


def test_a_button_press_is_answered_once(server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("hoi")
    keyboard = {"inline_keyboard": [[{"text": "Ja", "callback_data": "t"}]]}
    sent = call(server, "sendMessage", chat_id=1, text="Kies", reply_markup=keyboard)["result"]
    sam.presses("Ja")
    query = call(server, "getUpdates")["result"][-1]["callback_query"]
    assert call(server, "answerCallbackQuery", callback_query_id=query["id"])["result"] is True
    assert refusal(server, "answerCallbackQuery", callback_query_id=query["id"])[0] == 400
    edit = {"chat_id": 1, "message_id": sent["message_id"]}
    assert call(server, "editMessageReplyMarkup", **edit)["ok"]
    assert "message is not modified" in refusal(server, "editMessageReplyMarkup", **edit)[1]


def test_it_can_be_stopped_and_started_again_at_the_same_address(server: BotApiServer) -> None:
    url = server.url
    server.stop()
    with pytest.raises(httpx.ConnectError):
        call(server, "getMe")
    server.start()
    assert server.url == url
    assert call(server, "getMe")["ok"]
