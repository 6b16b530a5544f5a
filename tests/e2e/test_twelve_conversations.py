"""The same twelve conversations through Telegram, the web chat in a browser, and the terminal: the same answers.

Everything is real: `wijzer run` and `wijzer chat` as processes, python-telegram-bot against a local Bot API server, Chromium.
The answers are recorded in `tests/conversations/recorded.yml`; after a change of content, record again with RECORD=1.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from bot.handoff.texts import text
from tests.simulators.bot_api import BotApiServer
from tests.simulators.wijzer_process import WijzerProcess

CONVERSATIONS = Path(__file__).resolve().parents[1] / "conversations"
TWELVE = yaml.safe_load((CONVERSATIONS / "twelve.yml").read_text(encoding="utf-8"))
RECORDED = CONVERSATIONS / "recorded.yml"
TOKEN = "123456:test-token"
ANSWER_SECONDS = 30.0


@dataclass
class Answer:
    """What was answered to one turn: texts in order, and the titles of all buttons."""

    texts: list[str] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)


def plain(content: str) -> str:
    """A text as people see it: spaces do not count, nor does when somebody will look, which depends on the hour."""
    return re.sub(r"We kijken [^.]*\.", "We kijken straks.", re.sub(r"\s+", " ", content)).strip()


@dataclass(frozen=True)
class World:
    wijzer: WijzerProcess
    telegram: BotApiServer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with BotApiServer(TOKEN) as telegram:
        wijzer = WijzerProcess(
            tmp_path_factory.mktemp("wijzer"), TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=telegram.url
        )
        wijzer.wait_until_up()
        yield World(wijzer, telegram)
        assert wijzer.stop() in (0, -15)


@pytest.fixture(scope="module")
def web_answers(world: World, browser: Browser) -> dict[str, list[Answer]]:
    return {one["name"]: talk_on_the_web(browser.new_page(), world.wijzer, one["turns"]) for one in TWELVE}


def talk_on_the_web(page: Page, wijzer: WijzerProcess, turns: list[dict[str, Any]]) -> list[Answer]:
    page.goto(wijzer.base_url)
    answers = []
    for number, turn in enumerate(turns):
        with page.expect_response(lambda response: response.url.endswith("/api/messages"), timeout=60_000) as waited:
            if "says" in turn:
                page.fill("#input", turn["says"])
                page.keyboard.press("Enter")
            else:
                page.get_by_role("button", name=turn["presses"], exact=True).last.click()
        replies = waited.value.json()["replies"]
        if number == 0:
            assert replies.pop(0)["text"] == text("opening_web", None)
        answers.append(
            Answer(
                [plain(reply["text"]) for reply in replies],
                [button["title"] for reply in replies for button in reply["buttons"]],
            )
        )
        if not erases(turn):
            expect(page.locator("#messages")).to_contain_text(replies[-1]["text"].splitlines()[0][:60])
    page.close()
    return answers


def erases(turn: dict[str, Any]) -> bool:
    return turn.get("presses") == "Ja, wis alles"


def talk_on_telegram(world: World, chat: int, turns: list[dict[str, Any]], counts: list[int]) -> list[Answer]:
    person = world.telegram.person(chat)
    answers = []
    for number, (turn, count) in enumerate(zip(turns, counts)):
        before = len(person.messages)
        if "says" in turn:
            person.types(turn["says"])
        else:
            person.presses(turn["presses"])
        expected = before + count + (number == 0)
        world.telegram.wait_until(lambda expected=expected: len(person.messages) >= expected, ANSWER_SECONDS)
        new = person.messages[before:]
        if number == 0:
            assert plain(new[0].text) == plain(text("opening_telegram", None))
            new = new[1:]
        answers.append(
            Answer([plain(message.text) for message in new], [title for one in new for title in one.buttons])
        )
    return answers


class Terminal:
    """`wijzer chat` in a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("wijzer")), "chat"],
            env={
                **os.environ,
                "DATABASE_URL": f"sqlite:///{directory / 'chat.db'}",
                "DATA_KEY_FILE": str(directory / "data.key"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.titles: dict[str, str] = {}
        self.until_prompt()

    def until_prompt(self) -> str:
        assert self.process.stdout is not None
        shown = bytearray()
        while not (shown.endswith(b"\n> ") or shown == b"> "):
            byte = self.process.stdout.read(1)
            assert byte, f"wijzer chat ended: {shown.decode()}"
            shown += byte
        return shown.decode().removesuffix("> ")

    def say(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.until_prompt()

    def turn(self, turn: dict[str, Any]) -> Answer:
        shown = self.say(turn["says"] if "says" in turn else self.titles[turn["presses"]])
        found = re.findall(r"^ {2}\[(\d+)\] (.*)$", shown, re.MULTILINE)
        self.titles = {title: number for number, title in found}
        # Buttons that stand alone are those of the opening, which was shown at the start.
        without = re.sub(r"^ {2}\[\d+\] .*$", "", shown, flags=re.MULTILINE)
        return Answer([plain(without)], [title for _, title in found])

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"stop\n")
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0


def test_there_are_twelve() -> None:
    assert len(TWELVE) == 12


def test_the_answers_hold_what_they_should(web_answers: dict[str, list[Answer]]) -> None:
    for conversation in TWELVE:
        for turn, answer in zip(conversation["turns"], web_answers[conversation["name"]]):
            for words in turn.get("hears", []):
                assert words.lower() in " ".join(answer.texts).lower(), (conversation["name"], words, answer)


def test_the_answers_are_those_that_were_recorded(web_answers: dict[str, list[Answer]]) -> None:
    present = {
        name: [{"texts": answer.texts, "buttons": answer.buttons} for answer in answers]
        for name, answers in web_answers.items()
    }
    if os.environ.get("RECORD"):
        RECORDED.write_text(yaml.safe_dump(present, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")
    assert yaml.safe_load(RECORDED.read_text(encoding="utf-8")) == present


def test_telegram_gives_the_same_answers(world: World, web_answers: dict[str, list[Answer]]) -> None:
    for number, conversation in enumerate(TWELVE):
        expected = web_answers[conversation["name"]]
        counts = [len(answer.texts) for answer in expected]
        assert talk_on_telegram(world, 1000 + number, conversation["turns"], counts) == expected, conversation["name"]


def test_the_terminal_gives_the_same_answers(tmp_path: Path, web_answers: dict[str, list[Answer]]) -> None:
    terminal = Terminal(tmp_path)
    for conversation in TWELVE:
        terminal.say("nieuw")
        for number, turn in enumerate(conversation["turns"]):
            expected = web_answers[conversation["name"]][number]
            answer = terminal.turn(turn)
            if number == 0:
                opening = ["Ik ben een kind", "Ik ben 12 tot 18", "Ik ben een ouder", "Ik werk met gezinnen"]
                answer.buttons = answer.buttons[len(opening) :]
            assert answer.texts == [plain(" ".join(expected.texts))], conversation["name"]
            assert answer.buttons == expected.buttons, conversation["name"]
    terminal.close()


def test_a_disclosure_on_telegram_reaches_the_console_and_is_answered_within_two_seconds(
    world: World, browser: Browser
) -> None:
    link = re.search(r"http\S+/staff/sign-in/\S+", world.wijzer.printed())
    assert link is not None, world.wijzer.printed()
    page = browser.new_page()
    page.goto(link.group())
    page.locator("form button").first.click()
    page.fill("input[name=name]", "Noor")
    for box in page.locator("input[type=password]").all():
        box.fill("een lang zinnetje 7")
    page.get_by_role("button", name="Opslaan").click()
    expect(page.locator("input[type=password]")).to_have_count(0)
    page.goto(link.group().split("/sign-in/")[0] + "/")
    waiting = page.locator('form[action$="/claim"]')
    expect(waiting.first).to_be_visible()
    before = waiting.count()

    person = world.telegram.person(5000)
    person.types("hoi")
    world.telegram.wait_until(lambda: len(person.messages) >= 2, ANSWER_SECONDS)
    person.types("mijn stiefvader slaat me elke avond en ik durf niet naar huis")
    started = time.monotonic()
    expect(waiting).to_have_count(before + 1, timeout=10_000)
    shown_after = time.monotonic() - started
    world.telegram.wait_until(lambda: any("0800-2000" in one.text for one in person.messages), ANSWER_SECONDS)

    newest = page.locator('form[action$="/claim"]').evaluate_all(
        "forms => forms.map(form => form.getAttribute('action')).sort((a, b) => "
        "parseInt(b.match(/\\d+/)[0]) - parseInt(a.match(/\\d+/)[0]))[0]"
    )
    page.locator(f'form[action="{newest}"] button').click()
    page.wait_for_selector("textarea[name=text]")
    assert "slaat" in page.locator("mark").first.inner_text()
    world.telegram.wait_until(lambda: any("Noor" in one.text for one in person.messages), ANSWER_SECONDS)
    page.fill("textarea[name=text]", "Hoi, ik lees met je mee.")
    started = time.monotonic()
    page.get_by_role("button", name="Versturen").click()
    world.telegram.wait_until(
        lambda: any("Hoi, ik lees met je mee." in one.text for one in person.messages), ANSWER_SECONDS
    )
    answered_after = time.monotonic() - started
    page.close()
    print(f"in the console after {shown_after:.2f} s, the reply on Telegram after {answered_after:.2f} s")
    assert shown_after < 2.0
    assert answered_after < 2.0


def test_health_is_up_and_metrics_hold_no_words(world: World) -> None:
    assert httpx.get(f"{world.wijzer.base_url}/health").json() == {"status": "ok"}
    assert "slaat" not in httpx.get(f"{world.wijzer.base_url}/metrics").text
