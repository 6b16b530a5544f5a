"""The Telegram channel against a Bot API server that behaves as the real one, with a real database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.channels import telegram_connection, telegram_sender, telegram_worker
from bot.conversation.messages import IncomingMessage, Reply
from bot.handoff import cases
from bot.handoff.texts import text
from bot.storage.tables import cases as case_table
from bot.storage.tables import conversations, incoming, messages, outgoing
from tests.simulators.bot_api import BotApiServer
from tests.simulators.echo_engine import choices
from tests.simulators.telegram_run import TelegramRun


@pytest.fixture
def server() -> Iterator[BotApiServer]:
    with BotApiServer() as running:
        yield running


@pytest.fixture
def polling(tmp_path: Path, server: BotApiServer) -> Iterator[TelegramRun]:
    with TelegramRun(tmp_path, server) as running:
        yield running


@pytest.fixture(params=["polling", "webhook"])
def bot(request: pytest.FixtureRequest, tmp_path: Path, server: BotApiServer) -> Iterator[TelegramRun]:
    with TelegramRun(tmp_path, server, webhook=request.param == "webhook") as running:
        yield running


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_connection, "START_SECONDS", 0.5)
    monkeypatch.setattr(telegram_connection, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(telegram_sender, "FIRST_BACKOFF_SECONDS", 0.05)
    monkeypatch.setattr(telegram_worker, "RETRY_SECONDS", 0.01)


def now() -> datetime:
    return datetime.now(timezone.utc)


# --- a conversation


def test_a_message_is_answered(bot: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("mijn ouders gaan scheiden")
    sam.wait_for_text("je zei: mijn ouders gaan scheiden")
    assert "parse_mode" not in server.calls("sendMessage")[0].parameters


def test_nobody_is_written_to_first(polling: TelegramRun, server: BotApiServer) -> None:
    server.person(1)
    server.wait_for_calls("getUpdates")
    assert server.calls("sendMessage") == []


def test_the_messages_of_one_chat_are_answered_in_order(bot: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    for number in range(12):
        sam.types(f"bericht {number}")
    sam.wait_for_text("je zei: bericht 11")
    assert sam.texts == [f"je zei: bericht {number}" for number in range(12)]


def test_several_replies_arrive_in_order(polling: TelegramRun, server: BotApiServer) -> None:
    polling.engine.replies["hoi"] = [Reply(f"antwoord {number}") for number in range(5)]
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("antwoord 4")
    assert sam.texts == [f"antwoord {number}" for number in range(5)]


def test_a_slow_answer_holds_up_no_other_conversation(polling: TelegramRun, server: BotApiServer) -> None:
    gate = polling.engine.gate("langzaam")
    sam, robin = server.person(1), server.person(2, "Robin")
    sam.types("langzaam")
    sam.types("en nog iets")
    assert polling.engine.reached.wait(5)
    robin.types("snel")
    robin.wait_for_text("je zei: snel")
    assert sam.texts == []
    polling.open(gate)
    sam.wait_for_text("je zei: en nog iets")
    assert sam.texts == ["je zei: langzaam", "je zei: en nog iets"]


def test_a_long_answer_arrives_in_parts_with_the_buttons_under_the_last(
    polling: TelegramRun, server: BotApiServer
) -> None:
    polling.engine.replies["lang"] = [choices("woord " * 1500, "Ja")]
    sam = server.person(1)
    sam.types("lang")
    sam.wait_for_message(lambda message: bool(message.buttons))
    assert [message.buttons for message in sam.messages] == [(), (), ("Ja",)]
    assert " ".join(sam.texts).split() == ["woord"] * 1500


def test_a_lone_surrogate_does_not_hold_up_the_answer(polling: TelegramRun, server: BotApiServer) -> None:
    polling.engine.replies["hoi"] = [Reply("au \ud83d au")]
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("au \ufffd au")


def test_typing_is_shown_while_an_answer_is_made(polling: TelegramRun, server: BotApiServer) -> None:
    gate = polling.engine.gate("langzaam")
    sam = server.person(1)
    sam.types("langzaam")
    assert server.wait_until(lambda: sam.sees_typing)
    polling.open(gate)
    sam.wait_for_text("je zei: langzaam")


def test_typing_is_not_shown_where_a_human_answers(polling: TelegramRun, server: BotApiServer) -> None:
    sam, robin = server.person(1), server.person(2)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    # On a slow machine the greeting took long enough to show the sign.
    sam.chat.actions.clear()
    with polling.database.transaction() as connection:
        connection.execute(update(conversations).values(handoff="active"))
    gate = polling.engine.gate("langzaam")
    sam.types("langzaam")
    assert polling.engine.reached.wait(5)
    robin.types("langzaam")
    # Robin's sign comes later than Sam's would have.
    assert server.wait_until(lambda: robin.sees_typing)
    assert not sam.sees_typing
    polling.open(gate)


# --- commands, buttons, and what is not text


def test_start_is_a_greeting(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("/start")
    sam.wait_for_text("je zei: hoi")


def test_words_behind_a_command_are_heard(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("/stop ik wil niet meer")
    sam.wait_for_text("je zei: /stop ik wil niet meer")


def test_a_pressed_button_is_handled_and_the_buttons_disappear(bot: TelegramRun, server: BotApiServer) -> None:
    bot.engine.replies["hoi"] = [choices("Wie ben jij?", "Kind", "Ouder")]
    sam = server.person(1)
    sam.types("hoi")
    assert sam.wait_for_text("Wie ben jij?").buttons == ("Kind", "Ouder")
    sam.presses("Ouder")
    sam.wait_for_text("je zei: Ouder")
    assert server.wait_until(lambda: not server.state.unanswered_queries and sam.messages[0].buttons == ())


def test_a_button_of_an_erased_conversation_gets_a_kind_answer(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    sam.presses_data("a-token-of-long-ago")
    sam.wait_for_text(text("technical_problem", None))
    sam.types("ben je er nog")
    sam.wait_for_text("je zei: ben je er nog")


def test_a_photo_is_answered_with_the_text_that_only_text_is_read(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("kijk")
    sam.wait_for_text("je zei: kijk")
    sam.sends_photo()
    sam.wait_for_text(text("only_text", None))
    assert polling.engine.handled == ["kijk"]


def test_somebody_who_begins_with_a_voice_message_is_greeted_too(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.sends_voice()
    sam.wait_for_text(text("only_text", None))
    assert sam.texts == ["je zei: hoi", text("only_text", None)]


def test_an_album_gets_one_answer(polling: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    for _ in range(3):
        sam.sends_photo(album="a")
    sam.types("gezien?")
    sam.wait_for_text("je zei: gezien?")
    assert sam.texts == ["je zei: hoi", text("only_text", None), "je zei: gezien?"]


def test_an_edited_message_is_not_handled_again(polling: TelegramRun, server: BotApiServer) -> None:
    server.wait_for_calls("getUpdates")
    sam = server.person(1)
    sam.types("een")
    sam.edits("anders")
    sam.types("twee")
    sam.wait_for_text("je zei: twee")
    assert polling.engine.handled == ["een", "twee"]


def test_a_group_hears_once_that_the_bot_is_for_private_chats(polling: TelegramRun, server: BotApiServer) -> None:
    group = server.group(-5)
    server.refuse("leaveChat")
    group.adds_the_bot()
    group.types("hoi wijzer")
    group.types("nog iemand?")
    server.wait_for_calls("leaveChat")
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    assert len(group.texts) == 1
    assert len(server.calls("leaveChat")) == 1
    assert polling.engine.handled == ["hoi"]


# --- once, and never lost


def test_an_update_that_comes_twice_is_handled_once(bot: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    server.deliver_again({"update_id": server.state.next_update_id - 1, "message": sam.chat.messages[0]})
    sam.types("en verder")
    sam.wait_for_text("je zei: en verder")
    assert bot.engine.handled == ["hoi", "en verder"]


def test_update_numbers_that_start_anew_are_handled(bot: TelegramRun, server: BotApiServer) -> None:
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    server.wait_until(lambda: not server.state.updates)
    with server.state.change():
        server.state.next_update_id = 900_000_000
    sam.types("na een stille week")
    sam.wait_for_text("je zei: na een stille week")


def test_a_stored_message_is_handled_at_the_next_start(tmp_path: Path, server: BotApiServer) -> None:
    bot = TelegramRun(tmp_path, server)
    sam = server.person(1)
    sam.chat.is_started = True
    bot.store.receive(IncomingMessage("telegram", "1", "12345:5", "ben je er nog"), now())
    # The process was killed while it handled the message.
    assert bot.store.next_waiting("telegram", now()) is not None
    with bot:
        sam.wait_for_text("je zei: ben je er nog")


def test_a_stored_answer_is_sent_at_the_next_start(tmp_path: Path, server: BotApiServer) -> None:
    bot = TelegramRun(tmp_path, server)
    sam = server.person(1)
    sam.chat.is_started = True
    received = bot.store.receive(IncomingMessage("telegram", "1", "12345:5", "hoi"), now())
    with bot.database.transaction() as connection:
        cases.add_message(connection, bot.store.cipher, received.conversation, "telegram", "bot", "bewaard", now())
        connection.execute(update(outgoing).values(claimed_until=now() + timedelta(minutes=1)))
    with bot:
        sam.wait_for_text("bewaard")


def test_a_message_that_is_being_handled_at_the_stop_is_handled_after_the_start(
    polling: TelegramRun, server: BotApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_worker, "STOP_SECONDS", 0.05)
    polling.engine.gate("langzaam")
    sam = server.person(1)
    sam.types("langzaam")
    assert polling.engine.reached.wait(5)
    polling.stop()
    assert sam.texts == []
    polling.engine.gates.clear()
    polling.start()
    sam.wait_for_text("je zei: langzaam")
    assert polling.engine.handled == ["langzaam"]


def test_what_was_said_while_the_bot_was_away_is_answered(polling: TelegramRun, server: BotApiServer) -> None:
    polling.stop()
    sam = server.person(1)
    sam.types("ben je er")
    polling.start()
    sam.wait_for_text("je zei: ben je er")


def test_a_message_that_fails_once_is_tried_again_before_the_next_one(
    polling: TelegramRun, server: BotApiServer
) -> None:
    polling.engine.failures["een"] = 1
    sam = server.person(1)
    sam.types("een")
    sam.types("twee")
    sam.wait_for_text("je zei: twee")
    assert sam.texts == ["je zei: een", "je zei: twee"]


def test_a_message_that_keeps_failing_comes_before_a_human(polling: TelegramRun, server: BotApiServer) -> None:
    polling.engine.failures["hij slaat mij"] = 100
    sam = server.person(1)
    sam.types("hij slaat mij")
    sam.types("hallo")
    sam.wait_for_text("je zei: hallo")
    assert sam.texts == [text("technical_problem", None), "je zei: hallo"]
    assert polling.engine.failures["hij slaat mij"] == 97
    assert polling.wait_for_row(case_table, lambda row: row.reason == "error").state == "waiting"
    seen = polling.wait_for_row(messages, lambda row: row.author == "person")
    assert polling.store.cipher.decrypt(seen.text, "message") == "hij slaat mij"


# --- sending, when the server has its moods


def test_a_limit_on_one_chat_holds_up_no_other(polling: TelegramRun, server: BotApiServer) -> None:
    server.fail_next("sendMessage", 429, retry_after=1, chat_id=1)
    polling.engine.replies["hoi"] = [Reply("een"), Reply("twee")]
    sam, robin = server.person(1), server.person(2, "Robin")
    sam.types("hoi")
    server.wait_for_calls("sendMessage")
    robin.types("hallo")
    robin.wait_for_text("je zei: hallo")
    assert sam.texts == []
    sam.wait_for_text("twee")
    assert sam.texts == ["een", "twee"]
    assert len([call for call in server.calls("sendMessage") if call.parameters["chat_id"] == "1"]) == 3


def test_a_server_in_trouble_gets_the_message_a_moment_later(polling: TelegramRun, server: BotApiServer) -> None:
    server.fail_next("sendMessage", 502)
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    row = polling.wait_for_row(outgoing, lambda row: row.state == "sent")
    assert (row.attempts, row.claimed_until) == (2, None)


def test_a_lost_answer_of_the_server_rather_sends_twice_than_never(polling: TelegramRun, server: BotApiServer) -> None:
    server.fail_next("sendMessage", 500, after_the_work=True)
    sam = server.person(1)
    sam.types("hoi")
    assert server.wait_until(lambda: len(sam.texts) == 2)
    assert sam.texts == ["je zei: hoi", "je zei: hoi"]


def test_somebody_who_blocked_the_bot_is_left_alone(polling: TelegramRun, server: BotApiServer) -> None:
    gate = polling.engine.gate("doei")
    sam, robin = server.person(1), server.person(2, "Robin")
    sam.types("doei")
    assert polling.engine.reached.wait(5)
    sam.blocks()
    polling.open(gate)
    row = polling.wait_for_row(outgoing, lambda row: row.state == "failed")
    assert row.error == "Forbidden: Forbidden: bot was blocked by the user"
    robin.types("hallo")
    robin.wait_for_text("je zei: hallo")
    assert len([call for call in server.calls("sendMessage") if call.parameters["chat_id"] == "1"]) == 1


def test_words_arrive_even_when_their_buttons_are_refused(polling: TelegramRun, server: BotApiServer) -> None:
    polling.engine.replies["hoi"] = [choices("Bel nu 112", "")]
    sam = server.person(1)
    sam.types("hoi")
    assert sam.wait_for_text("Bel nu 112").buttons == ()


def test_a_conversation_is_gone_after_its_last_message_was_sent(polling: TelegramRun, server: BotApiServer) -> None:
    polling.engine.erases = True
    polling.engine.replies["wis mijn gesprek"] = [Reply("Alles is weg.")]
    sam = server.person(1)
    sam.types("/wis")
    sam.wait_for_text("Alles is weg.")

    def rows() -> int:
        with polling.database.reading() as connection:
            return sum(
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (conversations, messages, incoming, outgoing)
            )

    polling.stop()
    assert rows() == 0


# --- starting, and a server that refuses things


EXTRAS = (
    "setMyCommands",
    "setMyDescription",
    "setMyShortDescription",
    "sendChatAction",
    "answerCallbackQuery",
    "editMessageReplyMarkup",
    "deleteWebhook",
)


@pytest.mark.parametrize("code", [400, 404])
def test_refused_extras_do_not_stop_the_bot(tmp_path: Path, server: BotApiServer, code: int) -> None:
    for method in EXTRAS:
        server.refuse(method, code)
    with TelegramRun(tmp_path, server) as bot:
        bot.engine.replies["hoi"] = [choices("Wie ben jij?", "Kind")]
        sam = server.person(1)
        sam.types("hoi")
        sam.wait_for_text("Wie ben jij?")
        sam.presses("Kind")
        sam.wait_for_text("je zei: Kind")


def test_commands_and_descriptions_are_published(polling: TelegramRun, server: BotApiServer) -> None:
    assert server.wait_until(lambda: "short_description" in server.state.profile)
    assert [command["command"] for command in server.state.profile["commands"]] == ["start", "help", "stop", "wis"]


def test_without_a_token_telegram_is_off(tmp_path: Path, server: BotApiServer) -> None:
    with TelegramRun(tmp_path, server, token="") as bot:
        assert bot.channel.describe().startswith("uit")
        assert bot.channel.routes() == []
    assert server.state.calls == []


def test_the_start_screen_says_how_messages_come_in(bot: TelegramRun) -> None:
    way = f"via webhook {bot.webhook_url}/telegram/webhook" if bot.webhook_url else "via polling"
    assert bot.channel.describe() == f"@wijzer_test_bot, {way}"


def test_a_wrong_token_is_said_in_one_line_and_tried_again(
    tmp_path: Path, server: BotApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    right = server.state.token
    server.state.token = "12345:CHANGED"
    with TelegramRun(tmp_path, server, token=right) as bot:
        assert "nog geen verbinding" in bot.channel.describe()
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
            f"Telegram: {server.url[7:]} refuses the token; check TELEGRAM_BOT_TOKEN. Trying again"
        ]
        server.state.token = right
        sam = server.person(1)
        sam.types("hoi")
        sam.wait_for_text("je zei: hoi")
        assert bot.channel.describe().endswith("via polling")


def test_a_server_that_is_down_is_waited_for(tmp_path: Path, server: BotApiServer) -> None:
    server.stop()
    with TelegramRun(tmp_path, server) as bot:
        # Meanwhile what was stored is handled: a disclosure does not wait for Telegram.
        bot.store.receive(IncomingMessage("telegram", "1", "12345:5", "help"), now())
        bot.wait_for_row(incoming, lambda row: row.handled_at is not None)
        sam = server.person(1)
        sam.chat.is_started = True
        server.start()
        sam.wait_for_text("je zei: help")


@pytest.mark.parametrize("code", [401, 404, 409, 500])
def test_polling_survives_an_error_of_the_server(polling: TelegramRun, server: BotApiServer, code: int) -> None:
    server.fail_next("getUpdates", code)
    sam = server.person(1)
    sam.types("hoi")
    sam.wait_for_text("je zei: hoi")
    sam.types("nog een keer")
    sam.wait_for_text("je zei: nog een keer")


def test_polling_takes_an_old_webhook_away(tmp_path: Path, server: BotApiServer) -> None:
    server.state.webhook = {"url": "http://127.0.0.1:9/old", "secret": None}
    with TelegramRun(tmp_path, server):
        sam = server.person(1)
        sam.types("hoi")
        sam.wait_for_text("je zei: hoi")


def test_a_webhook_that_is_refused_at_first_is_set_a_moment_later(tmp_path: Path, server: BotApiServer) -> None:
    server.fail_next("setWebhook", 502)
    with TelegramRun(tmp_path, server, webhook=True):
        sam = server.person(1)
        sam.types("hoi")
        sam.wait_for_text("je zei: hoi")


def test_a_webhook_gets_an_update_again_that_could_not_be_stored(tmp_path: Path, server: BotApiServer) -> None:
    with TelegramRun(tmp_path, server, webhook=True) as bot:
        with bot.database.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE incoming RENAME TO away")
        sam = server.person(1)
        sam.types("hoi")
        assert server.wait_until(lambda: server.state.updates)
        with bot.database.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO incoming")
        sam.wait_for_text("je zei: hoi")


def test_the_log_holds_no_token_and_nothing_that_was_typed(
    tmp_path: Path, server: BotApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail_next("getMe", 502)
    server.fail_next("sendMessage", 502)
    with caplog.at_level(logging.INFO), TelegramRun(tmp_path, server) as bot:
        bot.engine.failures["geheim verhaal"] = 1
        sam = server.person(1)
        sam.types("geheim verhaal")
        sam.wait_for_text("geheim verhaal")
    assert "geheim" not in caplog.text
    assert server.state.token not in caplog.text and "TEST" not in caplog.text
