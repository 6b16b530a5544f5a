"""The chat page in a real browser, as a child, a parent and a screen reader use it.

With `SCREENSHOTS=directory` every page that axe looks at is also kept as a picture there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from bot.channels.web import EXIT_URL
from tests.web_world import LONG_ANSWER, WebServer, WebWorld

NEUTRAL_PAGE = "<!doctype html><title>Het weer</title><p>Morgen zon.</p>"
STORED = "Object.keys(localStorage).length + Object.keys(sessionStorage).length + document.cookie.length"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    with WebServer(WebWorld.at(tmp_path)) as running:
        yield running


@pytest.fixture
def world(server: WebServer) -> WebWorld:
    return server.world


@pytest.fixture
def device(browser: Browser, server: WebServer) -> Iterator[Callable[..., BrowserContext]]:
    """Makes devices; whatever goes wrong in a script of the page fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(width: int = 1280, height: int = 800, **options: Any) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=server.url, **options)
        context.set_default_timeout(10_000)
        context.route(f"{EXIT_URL}**", lambda route: route.fulfill(body=NEUTRAL_PAGE, content_type="text/html"))
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(device: Callable[..., BrowserContext]) -> Page:
    return opened(device())


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    return page


def field(page: Page) -> Locator:
    return page.get_by_label("Typ je bericht")


def say(page: Page, text: str) -> None:
    field(page).fill(text)
    field(page).press("Enter")


def answered(page: Page, text: str) -> None:
    """Say something and wait for the answer."""
    say(page, text)
    expect(messages(page, "bot").filter(has_text=f"Antwoord op: {text}")).to_be_visible()


def messages(page: Page, author: str) -> Locator:
    return page.locator(f"#messages .{author}")


def until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class TestTalking:
    def test_the_opening_stands_there_once_and_the_answer_below_it(self, page: Page) -> None:
        answered(page, "hoi")
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_have_count(1)
        expect(messages(page, "person")).to_have_count(1)
        expect(messages(page, "bot")).to_have_count(2)
        expect(page).to_have_title("Notities")

    def test_an_audience_button_starts_the_conversation_with_its_title(self, page: Page, world: WebWorld) -> None:
        page.get_by_role("button", name="Ik ben een kind").click()
        expect(page.get_by_text("Antwoord op: Ik ben een kind")).to_be_visible()
        expect(page.get_by_role("button", name="Ik ben een ouder")).to_be_disabled()
        assert world.person_texts() == ["Ik ben een kind"]

    def test_after_a_typed_start_the_audience_buttons_belong_to_the_conversation(
        self, page: Page, world: WebWorld
    ) -> None:
        answered(page, "hoi")
        page.get_by_role("button", name="Ik ben een ouder").click()
        expect(messages(page, "person")).to_have_count(2)
        until(lambda: len(world.dialogue.handled) == 2, "the button was not handled")
        assert world.dialogue.handled[1] == '/inform{"rol": "ouder"}'
        assert world.conversation_count() == 1

    def test_a_button_is_sent_once_and_the_focus_returns_to_the_field(self, page: Page) -> None:
        say(page, "knoppen")
        page.get_by_role("button", name="Twee huizen").click()
        expect(page.get_by_text("Je vroeg iets over twee huizen.")).to_be_visible()
        expect(page.get_by_role("button", name="Twee huizen")).to_be_disabled()
        expect(page.get_by_role("button", name="School")).to_be_disabled()
        expect(field(page)).to_be_focused()
        expect(messages(page, "person").last).to_contain_text("Twee huizen")

    def test_enter_sends_and_shift_enter_makes_a_new_line(self, page: Page, world: WebWorld) -> None:
        field(page).press_sequentially("een")
        field(page).press("Shift+Enter")
        field(page).press_sequentially("twee")
        field(page).press("Enter")
        expect(messages(page, "person")).to_have_count(1)
        until(lambda: world.person_texts() == ["een\ntwee"], "the two lines did not arrive")
        expect(field(page)).to_have_value("")

    def test_nothing_typed_sends_nothing(self, page: Page, world: WebWorld) -> None:
        say(page, "   ")
        page.get_by_role("button", name="Stuur").click()
        expect(messages(page, "person")).to_have_count(0)
        assert world.received_count() == 0

    def test_two_messages_in_a_hurry_arrive_in_order_in_one_conversation(self, page: Page, world: WebWorld) -> None:
        world.dialogue.hold()
        say(page, "eerst dit")
        say(page, "dan dat")
        expect(page.locator("#typing")).to_be_visible()
        world.dialogue.release()
        expect(page.get_by_text("Antwoord op: dan dat")).to_be_visible()
        expect(page.locator("#typing")).to_be_hidden()
        assert world.dialogue.handled == ["eerst dit", "dan dat"]
        assert world.conversation_count() == 1

    def test_what_somebody_wrote_never_becomes_markup(self, page: Page) -> None:
        say(page, "html")
        expect(messages(page, "bot").last).to_contain_text("<b>niet vet</b>")
        say(page, "<i>ik</i> bel 112")
        expect(messages(page, "person").last).to_contain_text("<i>ik</i> bel 112")
        expect(page.locator("#messages img, #messages b, #messages i, #messages .person a")).to_have_count(0)

    def test_phone_numbers_and_websites_are_links(self, page: Page) -> None:
        say(page, "hulplijnen")
        answer = messages(page, "bot").filter(has_text="Kindertelefoon")
        expect(answer).to_be_visible()
        links = answer.locator("a").evaluate_all("links => links.map(link => [link.textContent, link.href])")
        assert links == [
            ["0800-0432", "tel:08000432"],
            ["0800-2000", "tel:08002000"],
            ["088 0767 000", "tel:0880767000"],
            ["112", "tel:112"],
            ["113", "tel:113"],
            ["113.nl", "https://113.nl/"],
            ["veiligthuis.nl", "https://veiligthuis.nl/"],
        ]
        site = answer.get_by_role("link", name="veiligthuis.nl")
        expect(site).to_have_attribute("rel", "noopener noreferrer")
        expect(site).to_have_attribute("target", "_blank")
        expect(page.locator("#opening").get_by_role("link", name="112")).to_have_attribute("href", "tel:112")

    @pytest.mark.parametrize(
        ("text", "links"),
        [
            ("Bel 0900-1450 11.00 tot 21.00 uur", ["0900-1450"]),
            ("Bel 0800-876 54 32 of 020-261 52 75.", ["0800-876 54 32", "020-261 52 75"]),
            ("Bel +31 20 261 52 75", ["+31 20 261 52 75"]),
            ("Vermist? 116000", ["116000"]),
            ("Op 01-02-2026 om 11.30, art. 1:247 BW, € 113 en 112 euro", []),
            ("Mail naar info@veiligthuis.nl", []),
            ("Zie https://www.rechtwijzer.nl/uit-elkaar?x=1).", ["https://www.rechtwijzer.nl/uit-elkaar?x=1"]),
            ("Zie juridischloket.nl/scheiden.", ["juridischloket.nl/scheiden"]),
            ("javascript:alert(1) http://nep.example", ["http://nep.example"]),
        ],
    )
    def test_only_real_numbers_and_sites_become_links(self, page: Page, text: str, links: list[str]) -> None:
        found = page.evaluate(
            """async (text) => {
                const { linked } = await import("/static/links.js");
                const fragment = linked(text);
                const links = [...fragment.querySelectorAll("a")];
                return [
                    fragment.textContent,
                    links.map((link) => link.textContent),
                    links.map((link) => link.protocol),
                ];
            }""",
            text,
        )
        assert found[:2] == [text, links]
        assert set(found[2]) <= {"tel:", "https:"}


class TestReading:
    def test_a_long_answer_is_shown_from_its_start_and_in_full(self, page: Page) -> None:
        say(page, "lang")
        answer = messages(page, "bot").last
        expect(answer).to_contain_text("Dit is alinea 30")
        assert answer.locator(".text").inner_text() == LONG_ANSWER
        answer_box, log_box = answer.bounding_box(), page.locator("#scroll").bounding_box()
        assert answer_box is not None and log_box is not None
        assert 0 <= answer_box["y"] - log_box["y"] < 150

    def test_who_reads_back_is_not_pulled_to_the_end(self, page: Page, world: WebWorld) -> None:
        say(page, "lang")
        expect(messages(page, "bot").last).to_contain_text("alinea 30")
        say(page, "mens")
        expect(page.get_by_text("Er is een mens gevraagd.")).to_be_visible()
        page.locator("#scroll").evaluate("scroll => { scroll.scrollTop = 0; }")
        case_id = world.claim(world.only_conversation(), "Anna")
        world.staff_writes(case_id, "Anna", "Ik ben er.")
        newer = page.get_by_role("button", name="Nieuw bericht")
        expect(newer).to_be_visible()
        assert page.locator("#scroll").evaluate("scroll => scroll.scrollTop") == 0
        newer.click()
        expect(page.get_by_text("Ik ben er.")).to_be_in_viewport()
        expect(newer).to_be_hidden()

    def test_the_end_stays_in_sight_when_the_keyboard_opens(self, device: Callable[..., BrowserContext]) -> None:
        page = opened(device(360, 640))
        for text in ("een", "twee", "drie", "vier", "vijf"):
            answered(page, text)
        page.set_viewport_size({"width": 360, "height": 320})
        expect(page.get_by_text("Antwoord op: vijf")).to_be_in_viewport()
        expect(field(page)).to_be_in_viewport()
        expect(page.get_by_role("link", name="Snel weg")).to_be_in_viewport()

    def test_a_screen_reader_hears_who_wrote(self, page: Page) -> None:
        answered(page, "hoi")
        log = page.get_by_role("log", name="Gesprek")
        expect(log).to_have_attribute("aria-live", "polite")
        expect(log.get_by_role("listitem").nth(1)).to_have_text("Jijhoi")
        expect(log.get_by_role("listitem").nth(2)).to_have_text("Wijzer, computerAntwoord op: hoi")


class TestHumans:
    def test_what_staff_write_appears_by_itself_with_name_and_role(self, page: Page, world: WebWorld) -> None:
        say(page, "mens")
        expect(page.get_by_role("status")).to_have_text("Er is een mens gevraagd.")
        case_id = world.claim(world.only_conversation(), "Anna")
        expect(page.get_by_role("status")).to_have_text("Je praat nu met een mens.")
        world.staff_writes(case_id, "Anna", "Hoi, ik lees met je mee.")
        expect(messages(page, "staff")).to_have_text("Anna, medewerkerHoi, ik lees met je mee.")
        expect(page).to_have_title("Notities")
        world.close_case(case_id, "Anna")
        expect(page.get_by_role("status")).to_have_text("De mens is klaar. Wijzer is er weer.")
        answered(page, "hoi")

    def test_after_an_interruption_every_staff_message_comes_once(
        self, device: Callable[..., BrowserContext], world: WebWorld
    ) -> None:
        page = opened(device())
        say(page, "mens")
        expect(page.get_by_role("status")).to_have_text("Er is een mens gevraagd.")
        case_id = world.claim(world.only_conversation(), "Anna")
        world.staff_writes(case_id, "Anna", "een")
        expect(messages(page, "staff")).to_have_count(1)
        page.evaluate(
            """async (conversation) => {
                const { Stream } = await import("/static/stream.js");
                window.seen = [];
                const on = { message: (message) => window.seen.push(message.text), handoff() {}, gone() {} };
                window.second = new Stream(conversation, 0, on);
            }""",
            world.only_conversation(),
        )
        until(lambda: len(page.evaluate("window.seen")) == 1, "the first message did not come")
        # As after a broken connection that the browser gave up.
        page.evaluate("() => { window.second.source.close(); window.second.pause = 0; window.second.openLater(); }")
        world.staff_writes(case_id, "Anna", "twee")
        until(lambda: len(page.evaluate("window.seen")) == 2, "the second message did not come")
        assert page.evaluate("window.seen") == ["een", "twee"]


class TestTrouble:
    def test_a_short_interruption_is_bridged_and_the_message_handled_once(self, page: Page, world: WebWorld) -> None:
        lost = []

        def lose_first_answer(route: Route) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch())
            route.abort()

        page.route("**/api/messages", lose_first_answer)
        answered(page, "komt dit aan")
        assert world.dialogue.handled == ["komt dit aan"]
        assert world.conversation_count() == 1

    def test_without_a_connection_nothing_typed_is_lost(self, page: Page, world: WebWorld) -> None:
        tries = []

        def fail(route: Route) -> None:
            tries.append(route.request.post_data_json["message_id"])
            route.abort()

        page.route("**/api/messages", fail)
        say(page, "dit is belangrijk")
        expect(page.get_by_role("alert")).to_contain_text("Er is geen verbinding.")
        expect(messages(page, "person")).to_contain_text("Nog niet verstuurd")
        assert len(tries) == 3
        assert len(set(tries)) == 1
        page.unroute("**/api/messages")
        page.get_by_role("button", name="Probeer opnieuw").click()
        expect(page.get_by_text("Antwoord op: dit is belangrijk")).to_be_visible()
        expect(page.get_by_text("Nog niet verstuurd")).to_be_hidden()
        expect(page.get_by_role("alert")).to_be_empty()
        assert world.person_texts() == ["dit is belangrijk"]

    def test_a_text_that_is_refused_goes_back_into_the_field(self, page: Page) -> None:
        answered(page, "hoi")
        long_text = "a" * 20_001
        say(page, long_text)
        expect(page.get_by_role("alert")).to_contain_text("te lang")
        expect(field(page)).to_have_value(long_text)
        expect(messages(page, "person")).to_have_count(1)

    def test_a_conversation_that_is_gone_makes_room_for_a_new_one(self, page: Page, world: WebWorld) -> None:
        answered(page, "hoi")
        page.route("**/api/messages", lambda route: route.fulfill(status=404, json={"error": "weg"}))
        say(page, "ben je er nog")
        expect(page.get_by_role("alert")).to_contain_text("Dit gesprek is er niet meer.")
        expect(messages(page, "person")).to_have_count(0)
        expect(field(page)).to_have_value("ben je er nog")
        page.unroute("**/api/messages")
        field(page).press("Enter")
        expect(page.get_by_text("Antwoord op: ben je er nog")).to_be_visible()
        assert world.conversation_count() == 2


class TestErasing:
    def test_wis_gesprek_asks_first_and_then_erases_at_once(self, page: Page, world: WebWorld) -> None:
        answered(page, "geheim")
        page.get_by_role("button", name="Wis gesprek").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Dit gesprek wissen?")
        dialog.get_by_role("button", name="Nee, laat staan").click()
        expect(page.get_by_text("Antwoord op: geheim")).to_be_visible()
        page.get_by_role("button", name="Wis gesprek").click()
        dialog.get_by_role("button", name="Ja, wis gesprek").click()
        expect(page.get_by_role("alert")).to_have_text("Je gesprek is gewist.")
        expect(page.get_by_text("geheim")).to_have_count(0)
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_be_visible()
        assert world.conversation_count() == 0
        answered(page, "opnieuw")

    def test_while_a_human_is_needed_the_question_says_so(self, page: Page, world: WebWorld) -> None:
        say(page, "mens")
        expect(page.get_by_role("status")).to_have_text("Er is een mens gevraagd.")
        page.get_by_role("button", name="Wis gesprek").click()
        expect(page.get_by_role("dialog")).to_contain_text("Een mens kijkt nog naar je gesprek")
        page.get_by_role("button", name="Ja, wis gesprek").click()
        expect(page.get_by_role("alert")).to_contain_text("Als de mens klaar is, wissen we alles.")
        expect(messages(page, "person")).to_have_count(0)
        assert world.erase_requested(world.only_conversation())

    def test_a_first_message_on_its_way_is_erased_as_well(self, page: Page, world: WebWorld) -> None:
        world.dialogue.hold()
        say(page, "toch niet")
        until(lambda: world.conversation_count() == 1, "the message did not arrive")
        page.get_by_role("button", name="Wis gesprek").click()
        page.get_by_role("button", name="Ja, wis gesprek").click()
        expect(messages(page, "person")).to_have_count(0)
        world.dialogue.release()
        expect(page.get_by_role("alert")).to_have_text("Je gesprek is gewist.")
        expect(page.get_by_text("toch niet")).to_have_count(0)
        assert world.conversation_count() == 0

    def test_when_erasing_fails_one_can_try_again(self, page: Page, world: WebWorld) -> None:
        answered(page, "geheim")
        page.route("**/api/conversations/*", lambda route: route.abort())
        page.get_by_role("button", name="Wis gesprek").click()
        page.get_by_role("button", name="Ja, wis gesprek").click()
        expect(page.get_by_text("geheim")).to_have_count(0)
        expect(page.get_by_role("alert")).to_contain_text("Wissen is nog niet gelukt.")
        page.unroute("**/api/conversations/*")
        page.get_by_role("button", name="Probeer opnieuw").click()
        expect(page.get_by_role("alert")).to_have_text("Je gesprek is gewist.")
        assert world.conversation_count() == 0

    def test_erasing_in_words_clears_the_page(self, page: Page, world: WebWorld) -> None:
        answered(page, "geheim")
        say(page, "wis mijn gesprek")
        expect(page.get_by_role("alert")).to_contain_text("Dit gesprek is er niet meer.")
        expect(page.get_by_text("geheim")).to_have_count(0)
        assert world.conversation_count() == 0

    def test_an_erasure_by_somebody_else_clears_the_page_and_keeps_what_was_being_typed(
        self, page: Page, world: WebWorld
    ) -> None:
        answered(page, "hoi")
        field(page).fill("ik was nog bezig")
        page.request.delete(f"/api/conversations/{world.only_conversation()}")
        expect(page.get_by_role("alert")).to_contain_text("Dit gesprek is er niet meer.")
        expect(field(page)).to_have_value("ik was nog bezig")


class TestLeaving:
    @pytest.mark.parametrize("how", ["button", "escape"])
    def test_snel_weg_leaves_nothing_and_the_way_back_shows_nothing(
        self, device: Callable[..., BrowserContext], how: str
    ) -> None:
        page = device().new_page()
        page.goto("about:blank")
        page.goto("/")
        answered(page, "geheim")
        if how == "button":
            page.get_by_role("link", name="Snel weg").click()
        else:
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
        page.wait_for_url(EXIT_URL)
        expect(page.get_by_text("Morgen zon.")).to_be_visible()
        page.go_back()
        assert page.url == "about:blank"

    def test_the_text_is_gone_before_the_other_page_is_there(self, device: Callable[..., BrowserContext]) -> None:
        context = device()
        # "No content" ends the navigation and leaves the page as it is then.
        context.route(f"{EXIT_URL}**", lambda route: route.fulfill(status=204))
        page = opened(context)
        answered(page, "geheim")
        with page.expect_request(EXIT_URL):
            page.get_by_role("link", name="Snel weg").click()
        assert page.evaluate("document.body.innerText") == ""
        expect(page).to_have_title("Notities")

    def test_a_message_sent_just_before_still_arrives(self, page: Page, world: WebWorld) -> None:
        world.dialogue.hold()
        say(page, "papa slaat mij")
        page.get_by_role("link", name="Snel weg").click()
        page.wait_for_url(EXIT_URL)
        world.dialogue.release()
        until(lambda: world.person_texts() == ["papa slaat mij"], "the message was lost")

    def test_one_escape_does_not_leave(self, page: Page) -> None:
        page.keyboard.press("Escape")
        answered(page, "ik ben er nog")

    def test_without_the_script_the_exit_is_a_plain_link(self, device: Callable[..., BrowserContext]) -> None:
        page = device(java_script_enabled=False).new_page()
        page.goto("/")
        page.get_by_role("link", name="Snel weg").click()
        page.wait_for_url(EXIT_URL)


class TestSharedDevice:
    def test_a_reload_starts_empty_and_the_device_holds_nothing(self, page: Page) -> None:
        answered(page, "geheim")
        assert page.evaluate(STORED) == 0
        page.reload()
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_be_visible()
        expect(page.get_by_text("geheim")).to_have_count(0)
        expect(page.get_by_role("button", name="Verder met mijn gesprek")).to_be_hidden()
        expect(field(page)).to_have_value("")

    def test_back_after_following_a_link_shows_nothing(self, page: Page) -> None:
        answered(page, "geheim")
        page.goto("about:blank")
        page.go_back()
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_be_visible()
        expect(page.get_by_text("geheim")).to_have_count(0)

    def test_a_kept_conversation_shows_nothing_until_one_asks(self, page: Page, world: WebWorld) -> None:
        keep(page)
        say(page, "mens")
        expect(page.get_by_role("status")).to_have_text("Er is een mens gevraagd.")
        stored = page.evaluate("Object.values(localStorage)")
        assert stored == [world.only_conversation()]
        page.reload()
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_be_visible()
        expect(messages(page, "person")).to_have_count(0)
        case_id = world.claim(world.only_conversation(), "Anna")
        world.staff_writes(case_id, "Anna", "Ik lees mee.")
        page.get_by_role("button", name="Verder met mijn gesprek").click()
        expect(messages(page, "person")).to_have_text("Jijmens")
        expect(messages(page, "staff")).to_have_text("Anna, medewerkerIk lees mee.")
        expect(page.get_by_text("Hoi, ik ben Wijzer, een computer.")).to_have_count(1)
        expect(page.get_by_role("status")).to_have_text("Je praat nu met een mens.")
        expect(page.get_by_role("button", name="Verder met mijn gesprek")).to_be_hidden()
        world.staff_writes(case_id, "Anna", "Ben je er nog?")
        expect(messages(page, "staff")).to_have_count(2)

    def test_a_started_conversation_can_be_kept_and_let_go(self, page: Page) -> None:
        answered(page, "hoi")
        keep(page)
        assert page.evaluate(STORED) == 1
        page.get_by_label("Bewaar dit gesprek op dit apparaat").uncheck()
        assert page.evaluate(STORED) == 0

    def test_niet_meer_bewaren_forgets_it(self, page: Page) -> None:
        keep(page)
        answered(page, "hoi")
        page.reload()
        page.get_by_role("button", name="Niet meer bewaren").click()
        expect(page.get_by_role("button", name="Verder met mijn gesprek")).to_be_hidden()
        assert page.evaluate(STORED) == 0

    def test_erasing_forgets_a_kept_conversation(self, page: Page) -> None:
        keep(page)
        answered(page, "hoi")
        page.get_by_role("button", name="Wis gesprek").click()
        page.get_by_role("button", name="Ja, wis gesprek").click()
        expect(page.get_by_role("alert")).to_have_text("Je gesprek is gewist.")
        assert page.evaluate(STORED) == 0
        expect(page.get_by_label("Bewaar dit gesprek op dit apparaat")).not_to_be_checked()

    def test_a_kept_conversation_that_is_gone_is_forgotten_kindly(self, page: Page, world: WebWorld) -> None:
        keep(page)
        answered(page, "hoi")
        page.goto("about:blank")
        page.request.delete(f"/api/conversations/{world.only_conversation()}")
        page.goto("/")
        page.get_by_role("button", name="Verder met mijn gesprek").click()
        expect(page.get_by_role("alert")).to_contain_text("Dit gesprek is er niet meer.")
        assert page.evaluate(STORED) == 0

    def test_a_new_conversation_leaves_the_kept_one_alone(self, page: Page, world: WebWorld) -> None:
        keep(page)
        answered(page, "van mij")
        kept = world.only_conversation()
        page.reload()
        answered(page, "van mijn zus")
        page.get_by_role("button", name="Wis gesprek").click()
        page.get_by_role("button", name="Ja, wis gesprek").click()
        expect(page.get_by_role("alert")).to_have_text("Je gesprek is gewist.")
        assert page.evaluate("Object.values(localStorage)") == [kept]
        assert world.only_conversation() == kept


def keep(page: Page) -> None:
    page.locator("#keeping-label").click()
    page.get_by_label("Bewaar dit gesprek op dit apparaat").check()


class TestForEveryone:
    @pytest.mark.parametrize("size", [(360, 640), (1280, 800), (640, 400)], ids=["360", "1280", "1280-at-200"])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_every_state_is_accessible_and_fits(
        self, device: Callable[..., BrowserContext], world: WebWorld, size: tuple[int, int], scheme: str
    ) -> None:
        page = opened(device(*size, color_scheme=scheme))
        style = f"{size[0]}-{scheme}"
        check(page, f"opening-{style}")
        say(page, "hulplijnen")
        say(page, "knoppen")
        expect(page.get_by_role("button", name="School")).to_be_visible()
        check(page, f"answers-{style}")
        page.get_by_role("button", name="School").click()
        say(page, "mens")
        expect(page.get_by_role("status")).to_have_text("Er is een mens gevraagd.")
        case_id = world.claim(world.only_conversation(), "Anna")
        world.staff_writes(case_id, "Anna", "Hoi, ik ben Anna. Ik lees met je mee.")
        expect(messages(page, "staff")).to_be_visible()
        keep(page)
        check(page, f"staff-{style}")
        page.route("**/api/messages", lambda route: route.abort())
        say(page, "w" * 200)
        expect(page.get_by_role("button", name="Probeer opnieuw")).to_be_visible()
        check(page, f"trouble-{style}")
        page.get_by_role("button", name="Wis gesprek").click()
        check(page, f"erase-{style}")
        page.reload()
        expect(page.get_by_role("button", name="Verder met mijn gesprek")).to_be_visible()
        check(page, f"resume-{style}")

    def test_everything_can_be_reached_by_keyboard(self, page: Page) -> None:
        page.locator("#erase").focus()
        reached = []
        for _ in range(9):
            reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
            page.keyboard.press("Tab")
        assert reached[:3] == ["Wis gesprek", "Bewaren", "Snel weg"]
        assert reached[3].startswith("Wijzer, computer")
        assert reached[4:] == ["112", "Ik ben een kind", "Ik ben 12 tot 18", "Ik ben een ouder", "Ik werk met gezinnen"]

    @pytest.mark.parametrize("width", [320, 360, 1280])
    def test_what_one_taps_is_large_enough(self, device: Callable[..., BrowserContext], width: int) -> None:
        page = opened(device(width, 640))
        say(page, "knoppen")
        expect(page.get_by_role("button", name="School")).to_be_visible()
        for element in page.locator("button:visible, summary:visible, #exit, textarea").all():
            box = element.bounding_box()
            assert box is not None
            assert box["height"] >= 44, element.inner_text()
            assert box["width"] >= 44, element.inner_text()

    def test_on_a_phone_a_button_does_not_open_the_keyboard(self, device: Callable[..., BrowserContext]) -> None:
        page = opened(device(360, 640, has_touch=True, is_mobile=True))
        page.get_by_role("button", name="Ik ben een kind").tap()
        expect(page.get_by_text("Antwoord op: Ik ben een kind")).to_be_visible()
        expect(field(page)).not_to_be_focused()


def check(page: Page, name: str) -> None:
    """Keep a picture when asked; fail on what axe finds, and on a page that is wider than the window."""
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(directory) / f"web-{name}.png"))
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    too_wide = page.evaluate(
        "['html', '#scroll'].map(name => document.querySelector(name)).map(one => one.scrollWidth - one.clientWidth)"
    )
    assert too_wide == [0, 0], f"{name} is too wide: {too_wide}"
