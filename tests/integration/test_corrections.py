"""A message that staff judge otherwise than the reader did: from the form on the transcript to an example to learn from."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select

from bot import app
from bot.cli import main
from bot.conversation.export import export_conversation
from bot.conversation.store import ConversationStore
from bot.handoff.corrected_examples import DEFAULT_FILE, Exported, export_corrections
from bot.handoff.corrections import Judgement, correct
from bot.risk.classifier import RiskExample, risk_examples
from bot.risk.reader import RISK_DATA_DIRECTORY
from bot.settings import load_settings
from bot.storage.tables import case_events, conversations, corrections
from bot.training import content_hash
from tests.console_day import harmless, reading
from tests.console_world import Browser, ConsoleWorld, RecordingNotifications

DISCLOSURE = "Kees slaat mij met zijn riem, ik ben 12 en woon in Helmond"
ANONYMOUS = "[naam] slaat mij met zijn riem, ik ben [leeftijd] en woon in [plaats]"
FULL = {"level": "high", "category": "physical_abuse", "consent": "ja", "read": "ja", "text": ANONYMOUS}


@pytest.fixture
def world(tmp_path: Path) -> ConsoleWorld:
    return ConsoleWorld.at(tmp_path)


@pytest.fixture
def sanne(world: ConsoleWorld) -> Browser:
    world.staff("Sanne")
    browser = world.browser()
    browser.sign_in("Sanne")
    return browser


@pytest.fixture
def missed(world: ConsoleWorld) -> str:
    """The address of a case whose only message was read as harmless; the message's id is 1."""
    conversation = world.conversation(audience="child")
    assert world.person_writes(conversation, DISCLOSURE, harmless("gevoel_bang", 0.6)) == 1
    return f"/staff/cases/{world.case(conversation)}"


def export(world: ConsoleWorld, file: Path, again: bool = False) -> Exported:
    return export_corrections(world.database, world.cipher, file, datetime.now(timezone.utc), again)


def corrected(file: Path) -> list[RiskExample]:
    """What the training reads in the file."""
    texts = {json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()}
    return [one for one in risk_examples([file]) if one.text in texts]


def judge(browser: Browser, case: str, message: int = 1, **fields: str) -> int:
    address = f"{case}/messages/{message}/correction"
    browser.open(address)
    return browser.submit(address, **fields).status_code


def test_a_judgement_with_consent_becomes_an_example_that_the_training_reads(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    page = sanne.open(f"{missed}/messages/1/correction")
    assert f">{ANONYMOUS}</textarea>" in page.text
    assert " checked" not in page.text
    page = sanne.submit(f"{missed}/messages/1/correction", **FULL)
    assert page.url.path == missed and page.url.fragment == "m1"
    assert "Sanne: dit was <strong>Hoog: Lichamelijke mishandeling</strong>" in page.text
    file = tmp_path / "corrected.jsonl"
    assert export(world, file) == Exported(examples=1, added=1, kept_back=0)
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == [
        {
            "text": ANONYMOUS,
            "level": "high",
            "category": "physical_abuse",
            "audience": "child",
            "register": "corrected",
        }
    ]
    assert corrected(file) == [RiskExample(ANONYMOUS, "high", "physical_abuse", hard=False)]


def test_a_message_without_danger_becomes_an_ordinary_example(
    world: ConsoleWorld, sanne: Browser, tmp_path: Path
) -> None:
    conversation = world.conversation(audience=None)
    text = "ik lach me dood om papa"
    world.person_writes(conversation, text, reading(text, "concern", "suicide", "me dood", "smalltalk", "dood-willen"))
    case = f"/staff/cases/{world.case(conversation)}"
    assert judge(sanne, case, level="none", category="", consent="ja", read="ja", text=text) == 200
    file = tmp_path / "corrected.jsonl"
    export(world, file)
    line = json.loads(file.read_text(encoding="utf-8"))
    assert line == {"text": text, "kind": "ordinary", "audience": "unknown", "register": "corrected"}
    assert corrected(file) == [RiskExample(text, "none", None, hard=False)]


def test_a_judgement_without_consent_is_kept_without_its_text_and_never_exported(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    assert judge(sanne, missed, **(FULL | {"consent": ""})) == 200
    row = world.rows(select(corrections))[0]
    assert (row.level, row.may_train, row.text) == ("high", False, None)
    file = tmp_path / "corrected.jsonl"
    assert export(world, file) == export(world, file, again=True) == Exported(0, 0, kept_back=1)
    assert not file.exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"read": ""}, "Lees de tekst hieronder na"),
        ({"text": "bel 06-12345678"}, "waarmee iemand te vinden is: 06-12345678"),
        ({"text": "  "}, "De tekst is leeg"),
        ({"text": "a" * 2001}, "De tekst is te lang"),
        ({"category": ""}, "Kies ook om welk gevaar het ging"),
        ({"category": "verzonnen"}, "Kies ook om welk gevaar het ging"),
        ({"level": "none"}, "Bij geen gevaar hoort geen soort gevaar"),
        ({"level": "verzonnen"}, "Kies wat dit bericht was"),
    ],
)
def test_what_is_not_complete_is_refused_and_what_was_filled_in_stays(
    world: ConsoleWorld, sanne: Browser, missed: str, fields: dict[str, str], reason: str
) -> None:
    assert judge(sanne, missed, **(FULL | fields)) == 409
    assert sanne.page is not None and reason in sanne.page.text
    assert 'name="consent" value="ja" aria-describedby="consent-hulp" checked' in sanne.page.text
    assert world.rows(select(corrections)) == []


def test_the_stored_text_is_sealed_and_the_history_names_who_judged(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    judge(sanne, missed, **FULL)
    assert b"riem" not in (tmp_path / "console.db").read_bytes()
    events = world.rows(select(case_events).where(case_events.c.kind == "corrected"))
    assert [(event.level, event.staff_id) for event in events] == [("high", 1)]
    assert "Bericht beoordeeld (Hoog), Sanne" in sanne.open(missed).text
    assert "conversation:gesprek-1" in world.notifications.topics


def test_a_form_without_our_token_or_without_a_session_keeps_nothing(
    world: ConsoleWorld, sanne: Browser, missed: str
) -> None:
    address = f"{missed}/messages/1/correction"
    assert sanne.client.post(address, data=FULL).status_code == 403
    stranger = world.browser()
    assert stranger.open(address).url.path == "/staff/sign-in"
    assert stranger.client.post(address, data=FULL).url.path == "/staff/sign-in"
    assert world.rows(select(corrections)) == []


def test_a_message_is_judged_on_its_own_conversation_only_and_never_one_of_the_bot(
    world: ConsoleWorld, sanne: Browser, missed: str
) -> None:
    other = world.conversation("gesprek-2")
    elsewhere = world.person_writes(other, "hoi", harmless("greet", 0.9))
    world.bot_writes("gesprek-1", "Wat naar voor je.")
    for message in (elsewhere, elsewhere + 1, 999):
        assert sanne.open(f"{missed}/messages/{message}/correction").status_code == 404


def test_a_conversation_without_a_case_can_be_judged_too(world: ConsoleWorld, sanne: Browser) -> None:
    world.person_writes(world.conversation(), DISCLOSURE, harmless("gevoel_bang", 0.6))
    page = sanne.open("/staff/conversations")
    address = page.text.partition('href="/staff/conversations/')[2].partition('"')[0]
    sanne.open(f"/staff/conversations/{address}/messages/1/correction")
    page = sanne.submit(f"/staff/conversations/{address}/messages/1/correction", **FULL)
    assert page.url.path == f"/staff/conversations/{address}"
    assert "Hoog: Lichamelijke mishandeling" in page.text


def test_erasing_a_conversation_erases_its_corrections_but_not_what_went_out(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.jsonl"
    second = world.person_writes("gesprek-1", "en nu is hij boos", harmless("affirm", 0.6))
    judge(sanne, missed, **FULL)
    export(world, file)
    judge(sanne, missed, second, **(FULL | {"text": "en nu is hij boos"}))
    with world.database.transaction() as connection:
        connection.execute(delete(conversations))
    assert world.rows(select(corrections)) == []
    assert export(world, file) == Exported(examples=1, added=0, kept_back=0)
    assert [one.text for one in corrected(file)] == [ANONYMOUS]


def test_retention_takes_the_corrections_with_the_conversation(world: ConsoleWorld, sanne: Browser) -> None:
    world.person_writes(world.conversation(), DISCLOSURE, harmless("gevoel_bang", 0.6))
    reference = sanne.open("/staff/conversations").text.partition('href="/staff/conversations/')[2].partition('"')[0]
    judge(sanne, f"/staff/conversations/{reference}", **FULL)
    assert ConversationStore(world.database, world.cipher).forget_before(datetime.now(timezone.utc)) == 1
    assert world.rows(select(corrections)) == []


def test_an_exported_line_says_nothing_of_who_wrote_it_who_judged_it_or_when(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.jsonl"
    texts = ["z laatste", "a eerste", "m midden"]
    for text in texts:
        message = world.person_writes("gesprek-1", text, harmless("inform", 0.5))
        judge(sanne, missed, message, **(FULL | {"text": text}))
    export(world, file)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == sorted(texts)
    assert {name for line in lines for name in line} == {"text", "level", "category", "audience", "register"}


def test_the_last_judgement_counts_and_takes_back_what_went_out(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.jsonl"
    judge(sanne, missed, **FULL)
    export(world, file)
    judge(sanne, missed, **(FULL | {"level": "acute", "text": "hij slaat mij met zijn riem"}))
    assert export(world, file) == Exported(examples=1, added=1, kept_back=0)
    assert corrected(file) == [RiskExample("hij slaat mij met zijn riem", "acute", "physical_abuse", hard=False)]
    judge(sanne, missed, **(FULL | {"consent": ""}))
    assert export(world, file) == Exported(examples=0, added=0, kept_back=1)
    assert file.read_text(encoding="utf-8") == ""


def test_a_text_that_did_not_go_out_is_dropped_when_consent_is_taken_back(
    world: ConsoleWorld, sanne: Browser, missed: str
) -> None:
    judge(sanne, missed, **FULL)
    judge(sanne, missed, **(FULL | {"consent": ""}))
    assert [(row.level, row.text) for row in world.rows(select(corrections))] == [("high", None), ("high", None)]


def test_what_somebody_took_out_of_the_file_stays_out(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.jsonl"
    judge(sanne, missed, **FULL)
    export(world, file)
    file.write_text('{"text": "van ons", "kind": "ordinary", "audience": "teen", "register": "plain"}\n')
    assert export(world, file) == Exported(examples=1, added=0, kept_back=0)
    assert export(world, file, again=True) == Exported(examples=2, added=1, kept_back=0)


def test_a_broken_file_is_left_as_it_is_and_nothing_counts_as_exported(
    world: ConsoleWorld, sanne: Browser, missed: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.jsonl"
    file.write_text("{broken\n")
    judge(sanne, missed, **FULL)
    with pytest.raises(ValueError, match="line 1"):
        export(world, file)
    assert file.read_text() == "{broken\n"
    assert world.rows(select(corrections.c.exported_at)) == [(None,)]


def test_the_person_gets_to_see_what_staff_said_of_their_messages(
    world: ConsoleWorld, sanne: Browser, missed: str
) -> None:
    judge(sanne, missed, **FULL)
    exported = export_conversation(world.database, world.cipher, "gesprek-1")
    assert exported is not None
    correction = exported["messages"][0]["correction"]
    assert (correction["level"], correction["text_for_training"]) == ("high", ANONYMOUS)


def test_the_command_writes_the_file_and_says_how_many(tmp_path: Path) -> None:
    settings = load_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path / 'wijzer.db'}", "DATA_KEY_FILE": str(tmp_path / "data.key")}
    )
    storage = app.open_storage(settings)
    world = ConsoleWorld(storage.database, storage.cipher, RecordingNotifications(storage.database), settings)
    sanne = world.staff("Sanne")
    for text, allowed in (("hij slaat mij", True), ("hij schopt mij", False)):
        message = world.person_writes(world.conversation(text), text, harmless("inform", 0.5))
        judgement = Judgement("high", "physical_abuse", text if allowed else None)
        with world.database.transaction() as connection:
            correct(connection, world.cipher, message, sanne, judgement, datetime.now(timezone.utc))
    file = tmp_path / "out" / "corrected.jsonl"
    environment = {"DATABASE_URL": settings.database_url, "DATA_KEY_FILE": str(settings.data_key_file)}
    result = CliRunner().invoke(main, ["corrections", str(file)], env=environment)
    assert result.exit_code == 0, result.output
    assert "1 voorbeelden, waarvan 1 nieuw." in result.output
    assert "1 beoordeelde berichten gaan niet mee" in result.output
    assert [one.text for one in corrected(file)] == ["hij slaat mij"]


def test_the_next_training_learns_from_the_default_file(tmp_path: Path) -> None:
    copy = tmp_path / "nlu_data" / "risk"
    copy.mkdir(parents=True)
    before = content_hash(tmp_path)
    (copy / DEFAULT_FILE.name).write_text('{"text": "hij slaat mij"}\n')
    assert content_hash(tmp_path) != before
    assert DEFAULT_FILE.parent == RISK_DATA_DIRECTORY and DEFAULT_FILE.match("[!t]*.jsonl")
