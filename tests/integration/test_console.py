"""The staff console through its pages: signing in, claiming, replying, giving back, closing, accounts."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.console.accounts import ensure_first_administrator, one_time_link
from bot.handoff import cases
from bot.handoff.cases import Signal
from bot.storage.tables import case_events, conversations, messages, outgoing, staff
from bot.storage.tables import cases as case_table
from tests.console_world import PASSWORD, Browser, ConsoleWorld, use_test_texts


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleWorld:
    use_test_texts(monkeypatch, tmp_path)
    return ConsoleWorld.at(tmp_path)


@pytest.fixture
def sanne(world: ConsoleWorld) -> Browser:
    """A browser in which Sanne has signed in."""
    world.staff("Sanne")
    browser = world.browser()
    assert browser.sign_in("Sanne").status_code == 200
    return browser


def colleague(world: ConsoleWorld, name: str = "Maarten", role: str = "staff") -> Browser:
    world.staff(name, role)
    browser = world.browser()
    browser.sign_in(name)
    return browser


def path_of(link: str) -> str:
    return "/staff" + link.partition("/staff")[2]


# Signing in


def test_the_first_administrator_signs_in_by_link_then_by_password(world: ConsoleWorld) -> None:
    link = ensure_first_administrator(world.database, world.settings)
    assert link is not None
    browser = world.browser()
    browser.open(path_of(link))
    assert browser.submit(path_of(link)).url.path == "/staff/welcome"
    assert browser.open("/staff/").url.path == "/staff/welcome"
    page = browser.submit("/staff/welcome", name="Ad", password=PASSWORD, password_again=PASSWORD)
    assert page.url.path == "/staff/" and "Niemand wacht nu." in page.text
    browser.submit("/staff/sign-out")
    assert browser.open("/staff/").url.path == "/staff/sign-in"
    assert browser.sign_in("ad").url.path == "/staff/"


def test_looking_at_a_link_does_not_use_it_up(world: ConsoleWorld) -> None:
    link = path_of(one_time_link(world.database, world.settings, world.staff("Sanne")))
    preview, browser = world.browser(), world.browser()
    for _ in range(3):
        assert preview.open(link).status_code == 200
    browser.open(link)
    assert browser.submit(link).url.path == "/staff/welcome"
    assert preview.submit(link).status_code == 410
    assert preview.open(link).status_code == 410


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(world: ConsoleWorld) -> None:
    world.staff("Sanne")
    browser = world.browser()
    wrong = browser.sign_in("Sanne", "verkeerd wachtwoord")
    unknown = browser.sign_in("Niemand", "verkeerd wachtwoord")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("Sanne", "Niemand") == unknown.text
    assert browser.open("/staff/").url.path == "/staff/sign-in"


def test_too_many_attempts_are_stopped_even_with_the_right_password(world: ConsoleWorld) -> None:
    world.staff("Sanne")
    browser = world.browser()
    for _ in range(5):
        browser.sign_in("Sanne", "verkeerd wachtwoord")
    assert browser.sign_in("Sanne").status_code == 429


def test_signing_in_leads_back_to_the_page_that_was_asked_for(world: ConsoleWorld) -> None:
    world.staff("Sanne")
    case_id = world.case(world.conversation())
    browser = world.browser()
    page = browser.open(f"/staff/cases/{case_id}")
    found = re.search(r'name="next" value="([^"]+)"', page.text)
    assert found is not None
    page = browser.submit("/staff/sign-in", name="Sanne", password=PASSWORD, next=found.group(1))
    assert page.url.path == f"/staff/cases/{case_id}"


def test_a_link_from_another_application_is_asked_once_more_with_the_cookie(world: ConsoleWorld) -> None:
    browser = world.browser()
    page = browser.client.get("/staff/cases/5", headers={"sec-fetch-site": "cross-site"})
    assert '<meta http-equiv="refresh" content="0;url=/staff/cases/5">' in page.text


def test_the_session_cookie_is_strict_and_closed_to_scripts(world: ConsoleWorld) -> None:
    world.staff("Sanne")
    for public_url, is_secure in ((None, False), ("https://wijzer.example", True)):
        world.settings = replace(world.settings, public_url=public_url)
        browser = world.browser()
        if is_secure:
            browser.client.base_url = "https://wijzer.example"
        browser.open("/staff/sign-in")
        fields = {"csrf": browser.csrf(), "name": "Sanne", "password": PASSWORD}
        response = browser.client.post("/staff/sign-in", data=fields, follow_redirects=False)
        cookie = next(value for value in response.headers.get_list("set-cookie") if value.startswith("wijzer_staff="))
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Max-Age=43200" in cookie
        assert ("Secure" in cookie) == is_secure


def test_signing_out_ends_the_session_everywhere(world: ConsoleWorld, sanne: Browser) -> None:
    copied = world.browser()
    copied.client.cookies = sanne.client.cookies.__class__(sanne.client.cookies)
    assert copied.open("/staff/").url.path == "/staff/"
    sanne.open("/staff/")
    sanne.submit("/staff/sign-out")
    assert copied.open("/staff/").url.path == "/staff/sign-in"


# Forms and headers


def test_a_form_without_its_token_changes_nothing(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    for fields in ({}, {"csrf": ""}, {"csrf": "geraden"}, {"csrf": "é"}):
        refused = sanne.client.post(f"/staff/cases/{case_id}/claim", data=fields or {"x": "y"})
        assert refused.status_code == 403
        assert "Dit formulier is verlopen" in refused.text
    assert [row.state for row in world.rows(select(case_table))] == ["waiting"]


def test_a_token_of_a_colleague_is_refused(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    maarten = colleague(world)
    maarten.open("/staff/")
    refused = sanne.client.post(f"/staff/cases/{case_id}/claim", data={"csrf": maarten.csrf()})
    assert refused.status_code == 403


def test_signing_in_needs_a_token_too(world: ConsoleWorld) -> None:
    world.staff("Sanne")
    refused = world.browser().client.post("/staff/sign-in", data={"name": "Sanne", "password": PASSWORD})
    assert refused.status_code == 403


@pytest.mark.parametrize("address", ["/staff/sign-in", "/staff/", "/staff/nergens", "/staff/cases/77", "/staff/events"])
def test_every_answer_carries_the_security_headers(world: ConsoleWorld, address: str) -> None:
    headers = world.browser().client.get(address).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_pages_have_no_script_or_style_of_their_own(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    for address in ("/staff/", f"/staff/cases/{case_id}", "/staff/conversations"):
        html = sanne.open(address).text
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", html)


def test_an_enormous_form_is_refused(sanne: Browser) -> None:
    sanne.open("/staff/")
    assert sanne.client.post("/staff/available", data={"x": "x" * 100_000}).status_code == 413


def test_a_form_that_is_no_form_is_refused(sanne: Browser) -> None:
    assert sanne.client.post("/staff/available", json={"available": "1"}).status_code == 400


# The queue


def test_the_queue_shows_the_most_severe_first_and_counts_in_the_title(world: ConsoleWorld, sanne: Browser) -> None:
    world.case(world.conversation("een", "web", "parent"), Signal("request"), minutes_ago=30)
    world.case(world.conversation("twee", "telegram", "child"), Signal("risk", "acute", "suicide"), minutes_ago=3)
    page = sanne.open("/staff/").text
    assert "<title>(2) Wachtrij – Wijzer</title>" in page
    assert page.index("Gedachten aan de dood") < page.index("Vraagt om een mens")
    assert "Kind (8-11) · Telegram" in page and ">3 min</time>" in page and "Acuut" in page


def test_claimed_and_closed_cases_have_their_own_tabs(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    assert "Niemand wacht nu." in sanne.open("/staff/").text
    assert "Sanne (jij)" in sanne.open("/staff/?tab=gesprek").text
    sanne.open(f"/staff/cases/{case_id}")
    sanne.submit(f"/staff/cases/{case_id}/close", outcome="false_alarm", note="")
    closed = sanne.open("/staff/?tab=gesloten").text
    assert "Geen gevaar (vals alarm)" in closed and "door Sanne" in closed


def test_being_at_the_console_and_available_counts_as_present(world: ConsoleWorld, sanne: Browser) -> None:
    def present() -> bool:
        with world.database.reading() as connection:
            return cases.is_staff_present(connection, datetime.now(timezone.utc), 90)

    assert present()
    sanne.open("/staff/conversations")
    assert (
        sanne.submit("/staff/available", available="0", next="/staff/conversations").url.path == "/staff/conversations"
    )
    assert not present()
    assert "Je staat op niet beschikbaar." in sanne.open("/staff/").text
    sanne.submit("/staff/available", available="1", next="/staff/")
    assert present()
    sanne.open("/staff/")
    sanne.submit("/staff/sign-out")
    assert not present()


# A case


def test_claiming_tells_the_person_who_is_there(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation(channel="telegram")
    case_id = world.case(conversation)
    sanne.open("/staff/")
    page = sanne.submit(f"/staff/cases/{case_id}/claim")
    assert page.url.path == f"/staff/cases/{case_id}" and "In gesprek: jij" in page.text
    assert world.texts_to(conversation) == [("system", "Hoi, ik ben Sanne. Ik ben een mens.")]
    assert world.queued_for_sending() == 1
    assert world.notifications.topics == ["cases", f"conversation:{conversation}", "outgoing:telegram"]
    assert world.rows(select(conversations))[0].handoff == "active"


def test_of_two_who_claim_at_once_one_gets_the_case_and_the_other_sees_who(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    maarten = colleague(world)
    start = threading.Barrier(2)
    pages = {}

    def claim(name: str, browser: Browser) -> None:
        browser.open(f"/staff/cases/{case_id}")
        start.wait(10)
        pages[name] = browser.submit(f"/staff/cases/{case_id}/claim")

    threads = [threading.Thread(target=claim, args=pair) for pair in (("Sanne", sanne), ("Maarten", maarten))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    won = next(name for name, page in pages.items() if page.status_code == 200)
    lost = "Maarten" if won == "Sanne" else "Sanne"
    assert pages[lost].status_code == 409
    assert f"{won} was net eerder en heeft deze zaak nu." in pages[lost].text
    assert len(world.texts_to("gesprek-1")) == 1


def test_a_reply_lands_in_the_transcript_and_is_queued_for_sending(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation(channel="telegram")
    case_id = world.case(conversation)
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    page = sanne.submit(f"/staff/cases/{case_id}/reply", text=" Ben je <veilig>?\r\nBel anders 112. ")
    assert "Ben je &lt;veilig&gt;?\nBel anders 112." in page.text
    assert world.texts_to(conversation)[-1] == ("staff", "Ben je <veilig>?\nBel anders 112.")
    row = world.rows(select(messages, outgoing.c.state).join(outgoing).order_by(messages.c.id.desc()))[0]
    assert (row.staff_id, row.state) == (1, "pending")
    assert "wordt verstuurd" in page.text


def test_only_who_has_the_case_can_reply_and_what_was_typed_stays(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation()
    case_id = world.case(conversation)
    maarten = colleague(world)
    for browser in (sanne, maarten):
        browser.open(f"/staff/cases/{case_id}")
    maarten.submit(f"/staff/cases/{case_id}/claim")
    refused = sanne.submit(f"/staff/cases/{case_id}/reply", text="hoi")
    assert refused.status_code == 409 and "Je hebt deze zaak niet (meer)." in refused.text
    assert "Overnemen van" not in refused.text
    too_long = maarten.submit(f"/staff/cases/{case_id}/reply", text="lang <i>" * 501)
    assert too_long.status_code == 409 and "lang &lt;i&gt;lang" in too_long.text
    assert [author for author, _ in world.texts_to(conversation)] == ["system"]


def test_an_empty_reply_is_not_sent(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    refused = sanne.submit(f"/staff/cases/{case_id}/reply", text="  \n ")
    assert refused.status_code == 409 and "Typ eerst een bericht." in refused.text


def test_giving_back_lets_the_bot_go_on(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation()
    case_id = world.case(conversation)
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    page = sanne.submit(f"/staff/cases/{case_id}/give-back")
    assert "Wijzer gaat verder met het gesprek." in page.text
    assert world.texts_to(conversation)[-1] == ("system", "Je praat weer met Wijzer.")
    row = world.rows(select(conversations))[0]
    assert (row.handoff, row.risk_memory) == ("none", None)


def test_closing_keeps_outcome_and_note_and_resets_the_memory(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation()
    case_id = world.case(conversation)
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    refused = sanne.submit(f"/staff/cases/{case_id}/close", outcome="", note="bijna klaar")
    assert refused.status_code == 409 and "Kies hoe de zaak is afgelopen." in refused.text
    assert ">bijna klaar</textarea>" in refused.text
    page = sanne.submit(f"/staff/cases/{case_id}/close", outcome="veilig_thuis", note="Gebeld <om> 9 uur")
    assert "De zaak is gesloten." in page.text
    assert world.texts_to(conversation)[-1] == ("system", "Het gesprek met ons team is klaar.")
    row = world.rows(select(conversations))[0]
    assert (row.handoff, row.risk_memory) == ("closed", None)
    assert b"Gebeld" not in world.rows(select(case_table))[0].note
    closed = sanne.open(f"/staff/cases/{case_id}").text
    assert "veilig thuis ingeschakeld" in closed and "Gebeld &lt;om&gt; 9 uur" in closed
    kinds = [row.kind for row in world.rows(select(case_events).order_by(case_events.c.id))]
    assert kinds == ["opened", "claimed", "closed"]


@pytest.mark.parametrize("action", ["close", "give-back"])
def test_a_conversation_that_asked_to_be_erased_is_gone_after_the_case(
    world: ConsoleWorld, sanne: Browser, action: str
) -> None:
    case_id = world.case(world.conversation())
    with world.database.transaction() as connection:
        connection.execute(update(conversations).values(erase_requested=True))
    sanne.open("/staff/")
    assert "vroeg om het gesprek te wissen" in sanne.submit(f"/staff/cases/{case_id}/claim").text
    sanne.submit(f"/staff/cases/{case_id}/{action}", outcome="helped", note="")
    assert world.rows(select(messages)) == [] and world.rows(select(conversations)) == []
    assert sanne.open(f"/staff/cases/{case_id}").status_code == 404


def test_an_administrator_takes_a_case_over_from_a_colleague(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation()
    case_id = world.case(conversation)
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    ad = colleague(world, "Ad", "admin")
    assert "Overnemen van Sanne" in ad.open(f"/staff/cases/{case_id}").text
    page = ad.submit(f"/staff/cases/{case_id}/take-over", **{"from": "1"})
    assert "In gesprek: jij" in page.text and "Overgenomen van een collega" in page.text
    assert world.texts_to(conversation)[-1] == ("system", "Hoi, ik ben Ad. Ik ben een mens.")
    assert sanne.submit(f"/staff/cases/{case_id}/reply", text="hoi").status_code == 409
    again = ad.submit(f"/staff/cases/{case_id}/take-over", **{"from": "1"})
    assert again.status_code == 409 and "Deze collega heeft de zaak niet (meer)." in again.text


def test_an_old_page_does_not_take_a_case_from_whoever_has_it_now(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    colleague(world)
    ad = colleague(world, "Ad", "admin")
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    ad.open(f"/staff/cases/{case_id}")
    stale = ad.submit(f"/staff/cases/{case_id}/take-over", **{"from": "2"})
    assert stale.status_code == 409
    assert world.rows(select(case_table))[0].claimed_by == 1


def test_only_an_administrator_takes_over(world: ConsoleWorld, sanne: Browser) -> None:
    case_id = world.case(world.conversation())
    maarten = colleague(world)
    maarten.open("/staff/")
    maarten.submit(f"/staff/cases/{case_id}/claim")
    sanne.open("/staff/")
    assert sanne.submit(f"/staff/cases/{case_id}/take-over", **{"from": "2"}).status_code == 403
    assert world.rows(select(case_table))[0].claimed_by == 2


# Conversations


def test_the_list_of_conversations_shows_no_words_and_no_ids(world: ConsoleWorld, sanne: Browser) -> None:
    conversation = world.conversation("geheime-sleutel")
    risk = {"level": "concern", "category": "neglect", "score": 1.0, "evidence": []}
    world.person_writes(conversation, "mijn geheim", {"risk": risk})
    page = sanne.open("/staff/conversations").text
    assert "mijn geheim" not in page and conversation not in page
    assert "Zorg" in page and "Jongere (12-17)" in page


def test_opening_a_conversation_is_logged_without_its_words_or_key(
    world: ConsoleWorld, sanne: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = world.conversation("geheime-sleutel")
    world.person_writes(conversation, "mijn geheim")
    page = sanne.open("/staff/conversations")
    address = re.search(r'href="(/staff/conversations/[^"]+)"', page.text)
    assert address is not None
    with caplog.at_level(logging.INFO, logger="bot.console"):
        page = sanne.open(address.group(1))
    assert "mijn geheim" in page.text and conversation not in page.text
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("bot.console")]
    assert len(logged) == 1 and logged[0].startswith("staff 1 opened conversation ")
    assert "geheim" not in logged[0]
    assert logged[0].rpartition(" ")[2] in page.text


@pytest.mark.parametrize("reference", ["x", "geheime-sleutel", "é", "AAAA" * 20])
def test_a_made_up_reference_opens_nothing(world: ConsoleWorld, sanne: Browser, reference: str) -> None:
    world.conversation("geheime-sleutel")
    assert sanne.open(f"/staff/conversations/{reference}").status_code == 404


# Accounts


def test_an_administrator_adds_a_colleague_who_signs_in_by_the_link(world: ConsoleWorld) -> None:
    ad = colleague(world, "Ad", "admin")
    ad.open("/staff/staff-accounts")
    page = ad.submit("/staff/staff-accounts", name="Noor", role="staff")
    link = re.search(r'readonly value="([^"]+)"', page.text)
    assert link is not None
    noor = world.browser()
    noor.open(path_of(link.group(1)))
    noor.submit(path_of(link.group(1)))
    page = noor.submit("/staff/welcome", name="Noor", password=PASSWORD, password_again=PASSWORD)
    assert page.url.path == "/staff/"
    assert "readonly value" not in ad.open("/staff/staff-accounts").text


def test_a_taken_name_is_refused_and_kept_in_the_form(world: ConsoleWorld) -> None:
    ad = colleague(world, "Ad", "admin")
    ad.open("/staff/staff-accounts")
    page = ad.submit("/staff/staff-accounts", name="AD", role="staff")
    assert page.status_code == 409 and "Er is al een account met deze naam." in page.text and 'value="AD"' in page.text


def test_closing_an_account_signs_the_colleague_out_and_lets_their_cases_wait_again(
    world: ConsoleWorld, sanne: Browser
) -> None:
    case_id = world.case(world.conversation())
    sanne.open("/staff/")
    sanne.submit(f"/staff/cases/{case_id}/claim")
    ad = colleague(world, "Ad", "admin")
    ad.open("/staff/staff-accounts")
    ad.submit("/staff/staff-accounts/1/close")
    assert [(row.state, row.claimed_by) for row in world.rows(select(case_table))] == [("waiting", None)]
    assert sanne.open("/staff/").url.path == "/staff/sign-in"
    assert sanne.sign_in("Sanne").status_code == 403


def test_nobody_closes_their_own_account_or_the_last_administrator(world: ConsoleWorld) -> None:
    ad = colleague(world, "Ad", "admin")
    ad.open("/staff/staff-accounts")
    assert ad.submit("/staff/staff-accounts/1/close").status_code == 409
    assert ad.submit("/staff/staff-accounts/1/role", role="staff").status_code == 409
    assert world.rows(select(staff))[0].role == "admin"


def test_a_change_of_role_holds_at_once(world: ConsoleWorld, sanne: Browser) -> None:
    ad = colleague(world, "Ad", "admin")
    assert sanne.open("/staff/staff-accounts").status_code == 403
    ad.open("/staff/staff-accounts")
    ad.submit("/staff/staff-accounts/1/role", role="admin")
    assert sanne.open("/staff/staff-accounts").status_code == 200


@pytest.mark.parametrize(
    "address", ["/staff/staff-accounts", "/staff/staff-accounts/1/link", "/staff/staff-accounts/1/close"]
)
def test_accounts_are_for_administrators(world: ConsoleWorld, sanne: Browser, address: str) -> None:
    sanne.open("/staff/")
    refused = sanne.submit(address, name="Inbreker", role="admin")
    assert refused.status_code == 403 and "Geen toegang" in refused.text
    assert len(world.rows(select(staff))) == 1


# What goes wrong


@pytest.mark.parametrize(
    "address", ["/staff/nergens", "/staff/cases/12345", "/staff/cases/" + "9" * 40, "/staff/cases/x"]
)
def test_what_is_not_there_is_said_in_dutch(sanne: Browser, address: str) -> None:
    page = sanne.open(address)
    assert page.status_code == 404 and "Niet gevonden" in page.text


def test_a_failure_is_said_in_dutch_and_changes_nothing(
    world: ConsoleWorld, sanne: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = world.case(world.conversation())
    sanne.open("/staff/")

    def fail(*arguments: object, **values: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(cases, "add_message", fail)
    page = sanne.submit(f"/staff/cases/{case_id}/claim")
    assert page.status_code == 500 and "Er ging iets mis" in page.text and "broken" not in page.text
    assert page.headers["content-security-policy"]
    assert world.rows(select(case_table))[0].state == "waiting"


def test_a_stranger_sees_nothing(world: ConsoleWorld) -> None:
    case_id = world.case(world.conversation())
    browser = world.browser()
    for address in ("/staff/", f"/staff/cases/{case_id}", "/staff/conversations", "/staff/staff-accounts"):
        assert browser.open(address).url.path == "/staff/sign-in"
    assert browser.open("/staff/events").status_code == 403
    assert browser.client.post(f"/staff/cases/{case_id}/claim", data={"csrf": "x"}).url.path == "/staff/sign-in"
    assert world.rows(select(case_table))[0].state == "waiting"
