"""The console in a real browser: readable for everyone, at 1200 and 360 pixels, and up to date by itself.

With `SCREENSHOTS=directory` every page that is checked is also kept as a picture there.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.console.accounts import one_time_link
from bot.handoff.cases import Signal
from tests.console_day import fill, reading
from tests.console_world import PASSWORD, ConsoleWorld, use_test_texts


class ConsoleServer:
    """The console's routes on a free port, in a thread."""

    def __init__(self, world: ConsoleWorld) -> None:
        self.world = world
        self.case = fill(world)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            world.application(), log_level="warning", timeout_graceful_shutdown=1, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> ConsoleServer:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConsoleServer]:
    use_test_texts(monkeypatch, tmp_path)
    with ConsoleServer(ConsoleWorld.at(tmp_path)) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, server: ConsoleServer) -> Iterator[Callable[..., Page]]:
    """Opens a browser window of a member of staff who has signed in."""
    contexts: list[BrowserContext] = []

    def visit(name: str | None = "Sanne", width: int = 1200, dark: bool = False, javascript: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            base_url=server.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        if name:
            page.goto("/staff/")
            page.get_by_label("Naam").fill(name)
            page.get_by_label("Wachtwoord").fill(PASSWORD)
            page.get_by_role("button", name="Aanmelden").click()
            expect(page.get_by_role("heading", name="Wachtrij")).to_be_visible()
        return page

    yield visit
    for context in contexts:
        context.close()


def check(page: Page, name: str) -> None:
    """Keep a picture when asked; fail on what axe finds, and on a page that is wider than the window."""
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(directory) / f"{name}.png"), full_page=True)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0, f"{name} is {width} pixels too wide"


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_accessible_and_fits(
    server: ConsoleServer, visitor: Callable[..., Page], width: int, dark: bool
) -> None:
    page = visitor("Ayşe de Groot", width, dark)
    style = f"{width}-{'dark' if dark else 'light'}"
    addresses = {
        "queue": "/staff/",
        "queue-active": "/staff/?tab=gesprek",
        "queue-empty": "/staff/?tab=gesloten",
        "case-of-colleague": f"/staff/cases/{server.case}",
        "case-waiting": "/staff/cases/1",
        "conversations": "/staff/conversations",
        "accounts": "/staff/staff-accounts",
        "not-found": "/staff/nergens",
    }
    for name, address in addresses.items():
        page.goto(address)
        check(page, f"{name}-{style}")
    page.goto("/staff/conversations")
    page.get_by_role("link", name=": gesprek").first.click()
    check(page, f"conversation-{style}")


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_ones_own_case_is_accessible_and_fits(
    server: ConsoleServer, visitor: Callable[..., Page], width: int, dark: bool
) -> None:
    page = visitor("Sanne", width, dark)
    page.goto(f"/staff/cases/{server.case}")
    page.get_by_text("Waarom?").first.click()
    check(page, f"case-{width}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_message_is_judged_from_the_transcript_on_any_width(
    server: ConsoleServer, visitor: Callable[..., Page], width: int, dark: bool
) -> None:
    page = visitor("Sanne", width, dark)
    style = f"{width}-{'dark' if dark else 'light'}"
    page.goto(f"/staff/cases/{server.case}")
    page.locator(".line", has_text="riem").get_by_role("link", name="Klopt dit niet?").click()
    expect(page.get_by_label("De tekst om van te leren")).to_have_value(re.compile("slaat hij mij met zijn riem"))
    check(page, f"correction-{style}")
    page.get_by_label("Acuut").check()
    page.get_by_label("Welk gevaar?").select_option("Lichamelijke mishandeling")
    page.get_by_label("Ik heb het gevraagd").check()
    page.get_by_role("button", name="Bewaren").click()
    expect(page.get_by_role("alert").filter(has_text="Niet gelukt")).to_contain_text("Lees de tekst hieronder na")
    check(page, f"correction-refused-{style}")
    page.get_by_label("Ik heb deze tekst gelezen").check()
    page.get_by_role("button", name="Bewaren").click()
    judged = page.locator(".line", has_text="riem")
    expect(judged).to_contain_text("Sanne: dit was Acuut: Lichamelijke mishandeling.")
    judged.get_by_text("Waarom?").click()
    check(page, f"case-judged-{style}")


@pytest.mark.parametrize("width", [1200, 360])
def test_signing_in_is_accessible_and_fits(server: ConsoleServer, visitor: Callable[..., Page], width: int) -> None:
    page = visitor(None, width)
    page.goto("/staff/sign-in")
    check(page, f"sign-in-{width}")
    link = one_time_link(server.world.database, server.world.settings, 3)
    page.goto("/staff/sign-in/" + link.rpartition("/")[2])
    check(page, f"link-{width}")
    page.get_by_role("button", name="Aanmelden").click()
    page.get_by_label("Wachtwoord", exact=True).fill("te kort")
    page.get_by_label("Nog een keer").fill("iets anders")
    page.locator("form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Opslaan").click()
    expect(page.get_by_role("alert").first).to_contain_text("niet gelijk")
    check(page, f"welcome-{width}")


def test_a_new_acute_case_appears_and_is_announced(server: ConsoleServer, visitor: Callable[..., Page]) -> None:
    page = visitor()
    expect(page).to_have_title("(4) Wachtrij – Wijzer")
    server.world.conversation("nieuw", "web", "child")
    server.world.case("nieuw", Signal("risk", "acute", "suicide"))
    server.world.notifications.notify("cases")
    expect(page).to_have_title("(5) Wachtrij – Wijzer")
    expect(page.get_by_role("link", name="Gedachten aan de dood of suïcide")).to_be_visible()
    expect(page.locator("#alarm")).to_have_text("Nieuwe acute zaak in de wachtrij.")


def test_a_new_message_appears_and_keeps_what_is_being_typed(
    server: ConsoleServer, visitor: Callable[..., Page]
) -> None:
    page = visitor()
    page.goto(f"/staff/cases/{server.case}")
    page.get_by_label("Jouw bericht").fill("Ik ben aan het")
    server.world.person_writes("dag-sanne", "ben je er nog?")
    server.world.notifications.notify("conversation:dag-sanne")
    expect(page.get_by_role("log")).to_contain_text("ben je er nog?")
    expect(page.get_by_label("Jouw bericht")).to_have_value("Ik ben aan het")
    expect(page.get_by_label("Jouw bericht")).to_be_focused()


def test_a_reading_opened_by_staff_stays_open_when_something_arrives(
    server: ConsoleServer, visitor: Callable[..., Page]
) -> None:
    page = visitor()
    page.goto(f"/staff/cases/{server.case}")
    page.get_by_text("Waarom?").first.click()
    text = "nu is hij weer boos, ik heb me opgesloten"
    server.world.person_writes(
        "dag-sanne", text, reading(text, "acute", "physical_abuse", "ik heb me opgesloten", "gevoel_bang", "locked-in")
    )
    server.world.notifications.notify("conversation:dag-sanne")
    expect(page.locator("mark", has_text="ik heb me opgesloten")).to_be_visible()
    expect(page.locator("details").first).to_have_attribute("open", "")


def test_control_enter_sends_the_reply_without_leaving_the_page(
    server: ConsoleServer, visitor: Callable[..., Page]
) -> None:
    page = visitor()
    page.goto(f"/staff/cases/{server.case}")
    box = page.get_by_label("Jouw bericht")
    box.fill("Ben je alleen thuis?")
    box.press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("Ben je alleen thuis?")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    assert server.world.texts_to("dag-sanne")[-1] == ("staff", "Ben je alleen thuis?")


@pytest.mark.parametrize("width", [1200, 360])
def test_a_long_conversation_opens_at_its_end(server: ConsoleServer, visitor: Callable[..., Page], width: int) -> None:
    for number in range(40):
        server.world.person_writes("dag-sanne", f"bericht {number}")
    page = visitor(width=width)
    page.goto(f"/staff/cases/{server.case}")
    expect(page.get_by_text("bericht 39")).to_be_in_viewport()
    expect(page.get_by_label("Jouw bericht")).to_be_in_viewport()
    server.world.person_writes("dag-sanne", "en nog een")
    server.world.notifications.notify("conversation:dag-sanne")
    expect(page.get_by_text("en nog een")).to_be_in_viewport(ratio=1)
    message, reply = page.get_by_text("en nog een").bounding_box(), page.locator(".reply").bounding_box()
    assert message is not None and reply is not None
    assert message["y"] + message["height"] <= reply["y"]


def test_a_lost_connection_keeps_the_reply(server: ConsoleServer, visitor: Callable[..., Page]) -> None:
    page = visitor()
    page.goto(f"/staff/cases/{server.case}")
    page.context.set_offline(True)
    page.get_by_label("Jouw bericht").fill("Blijf waar je bent")
    page.get_by_role("button", name="Versturen").click()
    expect(page.locator(".notice-error")).to_contain_text("Geen verbinding")
    expect(page.get_by_label("Jouw bericht")).to_have_value("Blijf waar je bent")


def test_a_colleague_who_takes_over_leaves_the_typed_text(server: ConsoleServer, visitor: Callable[..., Page]) -> None:
    sanne, administrator = visitor("Sanne"), visitor("Ayşe de Groot")
    for page in (sanne, administrator):
        page.goto(f"/staff/cases/{server.case}")
    sanne.get_by_label("Jouw bericht").fill("Dit was ik aan het typen")
    administrator.get_by_role("button", name="Overnemen van Sanne").click()
    expect(administrator.get_by_label("Jouw bericht")).to_be_visible()
    expect(sanne.locator("#antwoord")).to_contain_text("Ayşe de Groot heeft deze zaak")
    expect(sanne.locator("#antwoord")).to_contain_text("Niet verstuurd: Dit was ik aan het typen")


def test_all_of_a_case_works_without_a_script(server: ConsoleServer, visitor: Callable[..., Page]) -> None:
    page = visitor("Maarten", javascript=False)
    page.get_by_role("button", name="Overnemen (Acuut").click()
    page.get_by_label("Jouw bericht").fill("Ik ben er. Is de deur op slot?")
    page.get_by_role("button", name="Versturen").click()
    expect(page.get_by_role("log")).to_contain_text("Is de deur op slot?")
    page.get_by_label("Hoe is het afgelopen?").select_option("112 of politie ingeschakeld")
    page.get_by_role("button", name="Sluiten").click()
    expect(page.get_by_text("De zaak is gesloten.")).to_be_visible()


def test_the_keyboard_reaches_the_first_case(server: ConsoleServer, visitor: Callable[..., Page]) -> None:
    page = visitor()
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Naar de inhoud")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.case') !== null"):
            break
    expect(page.get_by_role("link", name="Levensgevaar of wapen")).to_be_focused()
