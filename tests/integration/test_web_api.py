"""The web chat's interface: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Response
from sqlalchemy import insert
from starlette.testclient import TestClient

from bot.channels.web import MAXIMUM_BODY_BYTES
from bot.conversation.messages import MAXIMUM_TEXT_LENGTH
from bot.handoff.texts import text
from bot.storage.tables import conversations
from tests.web_world import WebServer, WebWorld


@pytest.fixture
def world(tmp_path: Path) -> WebWorld:
    return WebWorld.at(tmp_path)


@pytest.fixture
def client(world: WebWorld) -> TestClient:
    return TestClient(world.application())


def post(client: TestClient | httpx.Client, typed: str, conversation: str | None = None, **more: Any) -> Response:
    return client.post("/api/messages", json={"conversation": conversation, "text": typed, **more})


def start(client: TestClient | httpx.Client, typed: str = "hoi") -> str:
    """The id of a new conversation."""
    response = post(client, typed)
    assert response.status_code == 200
    return str(response.json()["conversation"])


class TestMessages:
    def test_the_first_message_is_answered_beside_the_opening(self, client: TestClient) -> None:
        answer = post(client, "hoi").json()
        opening, reply = answer["replies"]
        assert opening["text"] == text("opening_web", None)
        assert opening["buttons"][0]["title"] == "Ik ben een kind"
        assert reply == {"text": "Antwoord op: hoi", "buttons": []}
        assert answer["handoff"] == "none"
        assert len(answer["conversation"]) >= 40

    def test_the_second_message_is_answered_without_the_opening(self, client: TestClient) -> None:
        answer = post(client, "en nu?", start(client)).json()
        assert [reply["text"] for reply in answer["replies"]] == ["Antwoord op: en nu?"]

    def test_two_first_messages_are_two_conversations(self, client: TestClient, world: WebWorld) -> None:
        assert start(client) != start(client)
        assert world.conversation_count() == 2

    def test_a_button_carries_an_opaque_token_that_its_conversation_understands(self, client: TestClient) -> None:
        conversation = start(client)
        button = post(client, "knoppen", conversation).json()["replies"][0]["buttons"][0]
        assert button["title"] == "Twee huizen"
        assert "huizen" not in button["payload"]
        answer = post(client, "", conversation, payload=button["payload"]).json()
        assert answer["replies"][0]["text"] == "Je vroeg iets over twee huizen."

    def test_a_button_of_another_conversation_is_refused(self, client: TestClient) -> None:
        button = post(client, "knoppen", start(client)).json()["replies"][0]["buttons"][0]
        response = post(client, "", start(client), payload=button["payload"])
        assert response.status_code == 422
        assert "knop" in response.json()["error"]

    def test_asking_for_a_human_shows_that_a_case_waits(self, client: TestClient) -> None:
        conversation = start(client)
        assert post(client, "mens", conversation).json()["handoff"] == "waiting"
        assert post(client, "ben je er nog", conversation).json()["replies"][0]["text"] == "Antwoord op: ben je er nog"

    def test_while_a_human_has_the_case_the_bot_is_silent(self, client: TestClient, world: WebWorld) -> None:
        conversation = start(client, "mens")
        world.claim(conversation, "Anna")
        answer = post(client, "hallo?", conversation).json()
        assert answer["replies"] == []
        assert answer["handoff"] == "active"

    def test_half_an_emoji_is_no_reason_to_fail(self, client: TestClient) -> None:
        response = client.post("/api/messages", content=rb'{"text": "hoi \ud83d"}')
        assert response.json()["replies"][-1]["text"] == "Antwoord op: hoi \ud83d"
        history = client.get(f"/api/conversations/{response.json()['conversation']}/messages")
        assert history.json()["messages"][0]["text"] == "hoi \ud83d"


class TestOnce:
    def test_the_same_message_id_gives_the_same_answer_and_is_handled_once(
        self, client: TestClient, world: WebWorld
    ) -> None:
        conversation = start(client)
        first = post(client, "hoe werkt het", conversation, message_id="a" * 36).json()
        again = post(client, "hoe werkt het", conversation, message_id="a" * 36).json()
        assert again == first
        assert world.dialogue.handled.count("hoe werkt het") == 1

    def test_the_same_first_message_twice_starts_one_conversation(self, client: TestClient, world: WebWorld) -> None:
        identity = secrets.token_hex(16)
        first = post(client, "hoi", message_id=identity).json()
        assert post(client, "hoi", message_id=identity).json() == first
        assert world.conversation_count() == 1

    def test_the_same_message_twice_at_once_is_handled_once(self, tmp_path: Path) -> None:
        with WebServer(WebWorld.at(tmp_path)) as server, httpx.Client(base_url=server.url, timeout=20) as client:
            identity = secrets.token_hex(16)
            server.world.dialogue.hold()
            with ThreadPoolExecutor(2) as pool:
                both = [pool.submit(post, client, "hoi", message_id=identity) for _ in range(2)]
                server.world.dialogue.release()
                first, second = (one.result().json() for one in both)
            assert first == second
            assert server.world.dialogue.handled == ["hoi"]

    def test_the_same_id_in_another_conversation_is_another_message(self, client: TestClient, world: WebWorld) -> None:
        for conversation in (start(client), start(client)):
            post(client, "zelfde", conversation, message_id="1")
        assert world.dialogue.handled.count("zelfde") == 2

    def test_a_number_serves_as_message_id(self, client: TestClient, world: WebWorld) -> None:
        conversation = start(client)
        assert (
            post(client, "een", conversation, message_id=7).json()
            == post(client, "een", conversation, message_id=7).json()
        )
        assert world.dialogue.handled.count("een") == 1

    def test_a_guessable_id_with_another_text_gives_nobody_elses_conversation(self, client: TestClient) -> None:
        mine = post(client, "iets van mij", message_id="1").json()
        assert post(client, "iets anders", message_id="1").json()["conversation"] != mine["conversation"]


class TestRefused:
    @pytest.mark.parametrize("typed", ["", "   ", "\n\t"])
    def test_an_empty_text(self, client: TestClient, typed: str) -> None:
        response = post(client, typed)
        assert response.status_code == 422
        assert "leeg" in response.json()["error"]

    def test_an_unknown_conversation(self, client: TestClient, world: WebWorld) -> None:
        response = post(client, "hoi", "bestaat-niet")
        assert response.status_code == 404
        assert "nieuw gesprek" in response.json()["error"]
        assert world.received_count() == 0

    def test_a_conversation_of_telegram(self, client: TestClient, world: WebWorld) -> None:
        foreign = _telegram_conversation(world)
        assert post(client, "hoi", foreign).status_code == 404
        assert client.get(f"/api/conversations/{foreign}/messages").status_code == 404
        assert client.get(f"/api/conversations/{foreign}/events").status_code == 404
        assert client.delete(f"/api/conversations/{foreign}").status_code == 404
        assert world.conversation_count() == 1

    def test_a_text_that_is_too_long(self, client: TestClient) -> None:
        assert post(client, "a" * MAXIMUM_TEXT_LENGTH).status_code == 200
        response = post(client, "a" * (MAXIMUM_TEXT_LENGTH + 1))
        assert response.status_code == 413
        assert "te lang" in response.json()["error"]

    def test_a_body_that_is_too_long(self, client: TestClient) -> None:
        response = client.post("/api/messages", content=b'{"text": "' + b"a" * MAXIMUM_BODY_BYTES + b'"}')
        assert response.status_code == 413

    @pytest.mark.parametrize("content", [b"", b"geen json", b'{"text": "hoi"', b'{"text": "\xff"}', b"[" * 50_000])
    def test_a_body_that_is_no_json(self, client: TestClient, content: bytes) -> None:
        response = client.post("/api/messages", content=content)
        assert response.status_code == 400
        assert "JSON" in response.json()["error"]

    @pytest.mark.parametrize(
        "body",
        [
            [],
            "hoi",
            {"text": 1},
            {"text": ["hoi"]},
            {"conversation": 5, "text": "hoi"},
            {"text": "hoi", "message_id": {}},
            {"text": "hoi", "message_id": "a" * 201},
            {"payload": "knop"},
        ],
    )
    def test_fields_of_the_wrong_kind(self, client: TestClient, body: object) -> None:
        response = client.post("/api/messages", json=body)
        assert response.status_code == 422
        assert response.json()["error"]


class TestHistory:
    def test_everyones_messages_are_given_oldest_first(self, client: TestClient, world: WebWorld) -> None:
        conversation = start(client, "mens")
        world.staff_writes(world.claim(conversation, "Anna"), "Anna", "Hoi, ik lees mee.")
        history = client.get(f"/api/conversations/{conversation}/messages").json()
        shown = [(message["author"], message["name"], message["text"]) for message in history["messages"]]
        assert shown[0] == ("person", None, "mens")
        assert shown[1] == ("bot", None, text("opening_web", None))
        assert shown[-1] == ("staff", "Anna", "Hoi, ik lees mee.")
        assert history["handoff"] == "active"
        ids = [message["id"] for message in history["messages"]]
        assert ids == sorted(ids)
        assert all(message["at"] for message in history["messages"])

    def test_buttons_still_work_from_the_history(self, client: TestClient) -> None:
        conversation = start(client, "knoppen")
        last = client.get(f"/api/conversations/{conversation}/messages").json()["messages"][-1]
        answer = post(client, "", conversation, payload=last["buttons"][0]["payload"])
        assert answer.json()["replies"][0]["text"] == "Je vroeg iets over twee huizen."

    def test_only_the_last_hundred_messages_are_given(self, client: TestClient) -> None:
        conversation = start(client)
        for number in range(60):
            post(client, f"bericht {number}", conversation)
        history = client.get(f"/api/conversations/{conversation}/messages").json()["messages"]
        assert len(history) == 100
        assert history[-1]["text"] == "Antwoord op: bericht 59"

    def test_an_unknown_conversation_has_none(self, client: TestClient) -> None:
        response = client.get("/api/conversations/bestaat-niet/messages")
        assert response.status_code == 404
        assert response.json()["error"]

    def test_answers_are_not_kept_by_the_browser(self, client: TestClient) -> None:
        conversation = start(client)
        history = client.get(f"/api/conversations/{conversation}/messages")
        assert history.headers["cache-control"] == "no-store"
        assert post(client, "hoi", conversation).headers["cache-control"] == "no-store"


class TestErasing:
    def test_without_a_case_the_conversation_is_gone_at_once(self, client: TestClient, world: WebWorld) -> None:
        conversation = start(client)
        response = client.delete(f"/api/conversations/{conversation}")
        assert response.status_code == 204
        assert response.content == b""
        assert world.conversation_count() == 0
        assert world.person_texts() == []
        assert world.received_count() == 0
        assert post(client, "hoi", conversation).status_code == 404

    def test_a_waiting_case_is_looked_at_first(self, client: TestClient, world: WebWorld) -> None:
        conversation = start(client, "mens")
        assert client.delete(f"/api/conversations/{conversation}").status_code == 204
        assert world.erase_requested(conversation)
        world.close_case(world.claim(conversation, "Anna"), "Anna")
        assert world.conversation_count() == 0

    def test_an_unknown_conversation_cannot_be_erased(self, client: TestClient) -> None:
        assert client.delete("/api/conversations/bestaat-niet").status_code == 404

    def test_the_others_stay(self, client: TestClient, world: WebWorld) -> None:
        mine, other = start(client), start(client, "van iemand anders")
        client.delete(f"/api/conversations/{mine}")
        assert world.only_conversation() == other
        assert world.person_texts() == ["van iemand anders"]


class TestStream:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[WebServer]:
        with WebServer(WebWorld.at(tmp_path)) as running:
            yield running

    @pytest.fixture
    def visitor(self, server: WebServer) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=server.url, timeout=10) as client:
            yield client

    def test_a_staff_message_arrives_by_itself_with_name_and_time(
        self, server: WebServer, visitor: httpx.Client
    ) -> None:
        conversation = start(visitor, "mens")
        with visitor.stream("GET", f"/api/conversations/{conversation}/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            events = _events(response)
            assert next(events) == ("handoff", {"handoff": "waiting"}, None)
            case_id = server.world.claim(conversation, "Anna")
            assert next(events) == ("handoff", {"handoff": "active"}, None)
            server.world.staff_writes(case_id, "Anna", "Hoi, ik ben er.")
            kind, message, identity = next(events)
            assert kind == "message"
            assert (message["author"], message["name"], message["text"]) == ("staff", "Anna", "Hoi, ik ben er.")
            assert identity == str(message["id"])
            assert message["at"].endswith("+00:00")

    def test_a_new_stream_starts_with_what_comes_next(self, server: WebServer, visitor: httpx.Client) -> None:
        conversation = start(visitor, "mens")
        case_id = server.world.claim(conversation, "Anna")
        server.world.staff_writes(case_id, "Anna", "eerste")
        with visitor.stream("GET", f"/api/conversations/{conversation}/events") as response:
            events = _events(response)
            assert next(events)[0] == "handoff"
            server.world.staff_writes(case_id, "Anna", "tweede")
            assert next(events)[1]["text"] == "tweede"

    @pytest.mark.parametrize("how", ["header", "parameter"])
    def test_after_an_interruption_nothing_is_missed_or_doubled(
        self, server: WebServer, visitor: httpx.Client, how: str
    ) -> None:
        conversation = start(visitor, "mens")
        case_id = server.world.claim(conversation, "Anna")
        address = f"/api/conversations/{conversation}/events"
        server.world.staff_writes(case_id, "Anna", "eerste")
        with visitor.stream("GET", address, params={"after": 0}) as response:
            seen = next(event for event in _events(response) if event[0] == "message")
        server.world.staff_writes(case_id, "Anna", "tweede")
        again = {"headers": {"Last-Event-ID": seen[2]}} if how == "header" else {"params": {"after": seen[2]}}
        with visitor.stream("GET", address, **again) as response:
            assert next(event for event in _events(response) if event[0] == "message")[1]["text"] == "tweede"

    def test_what_the_bot_answers_is_not_streamed_again(self, server: WebServer, visitor: httpx.Client) -> None:
        conversation = start(visitor, "mens")
        case_id = server.world.claim(conversation, "Anna")
        server.world.staff_writes(case_id, "Anna", "van een mens")
        with visitor.stream("GET", f"/api/conversations/{conversation}/events", params={"after": 0}) as response:
            first = next(event for event in _events(response) if event[0] == "message")
        assert first[1]["text"] == "van een mens"

    def test_the_stream_tells_that_the_conversation_was_erased(self, visitor: httpx.Client) -> None:
        conversation = start(visitor)
        with visitor.stream("GET", f"/api/conversations/{conversation}/events") as response:
            events = _events(response)
            assert next(events)[0] == "handoff"
            visitor.delete(f"/api/conversations/{conversation}")
            assert next(events)[0] == "erased"
            assert list(events) == []

    def test_an_unknown_conversation_has_no_stream(self, visitor: httpx.Client) -> None:
        assert visitor.get("/api/conversations/bestaat-niet/events").status_code == 404


class TestPage:
    def test_the_opening_is_on_the_page_before_any_script_runs(self, client: TestClient) -> None:
        page = client.get("/").text
        for line in text("opening_web", None).splitlines():
            assert line.replace("'", "&#39;") in page
        assert "Ik ben een kind" in page

    def test_nothing_tells_what_the_page_is_about(self, client: TestClient) -> None:
        page = client.get("/")
        assert "<title>Notities</title>" in page.text
        assert '<meta name="robots" content="noindex">' in page.text
        assert client.get("/manifest.webmanifest").json()["name"] == "Notities"
        assert client.get("/favicon.ico").headers["content-type"].startswith("image/svg+xml")

    def test_the_browser_may_run_only_our_own_files_and_keeps_nothing(self, client: TestClient) -> None:
        page = client.get("/")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)

    def test_every_file_of_the_page_is_there(self, client: TestClient) -> None:
        waiting = set(re.findall(r'(?:src|href)="(/[^"]+)"', client.get("/").text))
        seen: set[str] = set()
        while waiting:
            address = waiting.pop()
            seen.add(address)
            response = client.get(address)
            assert response.status_code == 200, address
            waiting |= {f"/static/{name}" for name in re.findall(r'from "\./([^"]+)"', response.text)} - seen
        assert "/static/links.js" in seen

    def test_without_javascript_the_helplines_are_there(self, client: TestClient) -> None:
        without = "".join(re.findall(r"<noscript>.*?</noscript>", client.get("/").text, re.DOTALL))
        assert all(number in without for number in ("112", "0800-0432", "0800-2000"))


def _events(response: Response) -> Iterator[tuple[str, Any, str | None]]:
    """Kind, content and id of each server-sent event, without the pings."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and "data" in fields:
            yield fields.get("event", "message"), json.loads(fields["data"]), fields.get("id")
            fields = {}


def _telegram_conversation(world: WebWorld) -> str:
    now = datetime.now(timezone.utc)
    with world.database.transaction() as connection:
        connection.execute(
            insert(conversations).values(id="van-telegram", channel="telegram", created_at=now, last_message_at=now)
        )
    return "van-telegram"
