"""Which updates are messages, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from bot.channels.telegram_updates import group_chat, incoming_message
from bot.conversation.messages import IncomingMessage

BOT_ID = 12345
SAM = {"id": 7, "is_bot": False, "first_name": "Sam"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Sam"}
GROUP = {"id": -70, "type": "supergroup", "title": "De klas"}
PHOTO = [{"file_id": "p", "file_unique_id": "u", "width": 90, "height": 90}]


def update(kind: str = "message", update_id: int = 31, chat: dict[str, Any] = PRIVATE, **content: Any) -> Update:
    message = {"message_id": 1, "date": 1_790_000_000, "chat": chat, "from": SAM, **content}
    return Update.de_json({"update_id": update_id, kind: message}, None)


def text_of(sent: Update) -> str | None:
    message = incoming_message(sent, BOT_ID)
    return message.text if message is not None else None


def test_a_text_is_a_message_of_its_chat() -> None:
    expected = IncomingMessage(channel="telegram", address="7", update_id="12345:31", text="mijn ouders gaan scheiden")
    assert incoming_message(update(text="mijn ouders gaan scheiden"), BOT_ID) == expected


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/start", "hoi"),
        ("/START", "hoi"),
        ("/start@wijzer_bot", "hoi"),
        ("/help", "help"),
        ("/stop", "stoppen"),
        ("/wis", "wis mijn gesprek"),
        (" /wis ", "wis mijn gesprek"),
    ],
)
def test_a_command_is_short_for_words(command: str, text: str) -> None:
    assert text_of(update(text=command)) == text


@pytest.mark.parametrize(
    "text", ["/stop ik wil niet meer", "/start ik ben bang", "/restart", "/inform{}", "/", "//start", "/hoi allemaal"]
)
def test_words_behind_a_slash_are_never_dropped(text: str) -> None:
    assert text_of(update(text=text)) == text


def test_a_caption_counts_as_text() -> None:
    assert text_of(update(photo=PHOTO, caption="dit deed papa")) == "dit deed papa"


@pytest.mark.parametrize(
    "content",
    [
        {"photo": PHOTO},
        {"voice": {"file_id": "v", "file_unique_id": "u", "duration": 3}},
        {"location": {"latitude": 52.1, "longitude": 5.1}},
        {"contact": {"phone_number": "06", "first_name": "Kim"}},
    ],
)
def test_something_that_cannot_be_read_is_an_empty_message(content: dict[str, Any]) -> None:
    assert text_of(update(**content)) == ""


def test_the_pictures_of_one_album_are_one_message() -> None:
    first = incoming_message(update(update_id=1, photo=PHOTO, media_group_id="a"), BOT_ID)
    second = incoming_message(update(update_id=2, photo=PHOTO, media_group_id="a"), BOT_ID)
    assert first == second


def test_a_caption_in_an_album_is_a_message_of_its_own() -> None:
    silent = incoming_message(update(update_id=1, photo=PHOTO, media_group_id="a"), BOT_ID)
    telling = incoming_message(update(update_id=2, photo=PHOTO, media_group_id="a", caption="help"), BOT_ID)
    assert silent is not None and telling is not None
    assert silent.update_id != telling.update_id


def test_what_telegram_itself_reports_is_no_message() -> None:
    assert incoming_message(update(message_auto_delete_timer_changed={"message_auto_delete_time": 60}), BOT_ID) is None


def test_an_edited_message_is_no_message() -> None:
    assert incoming_message(update("edited_message", text="anders", edit_date=1_790_000_001), BOT_ID) is None


def test_a_message_in_a_group_is_no_message() -> None:
    sent = update(chat=GROUP, text="hoi")
    assert incoming_message(sent, BOT_ID) is None
    assert group_chat(sent) == -70


def test_a_message_in_a_private_chat_is_not_of_a_group() -> None:
    assert group_chat(update(text="hoi")) is None


def pressed(**message: Any) -> Update:
    query = {"id": "9", "from": SAM, "chat_instance": "1", "data": "token", **message}
    return Update.de_json({"update_id": 32, "callback_query": query}, None)


def test_a_pressed_button_carries_its_token() -> None:
    sent = pressed(message={"message_id": 1, "date": 1_790_000_000, "chat": PRIVATE, "text": "Kies"})
    expected = IncomingMessage(channel="telegram", address="7", update_id="12345:32", button="token")
    assert incoming_message(sent, BOT_ID) == expected


def test_a_button_under_a_message_that_is_gone_still_counts() -> None:
    message = incoming_message(pressed(), BOT_ID)
    assert message is not None
    assert (message.address, message.button) == ("7", "token")


def test_two_bots_with_the_same_update_number_are_two_messages() -> None:
    first, second = (incoming_message(update(text="hoi"), bot_id) for bot_id in (1, 2))
    assert first is not None and second is not None
    assert first.update_id != second.update_id


def membership(status: str, chat: dict[str, Any]) -> Update:
    bot = {"id": BOT_ID, "is_bot": True, "first_name": "Wijzer"}
    content = {
        "chat": chat,
        "from": SAM,
        "date": 1_790_000_000,
        "old_chat_member": {"user": bot, "status": "left"},
        "new_chat_member": {"user": bot, "status": status, "until_date": 0},
    }
    return Update.de_json({"update_id": 33, "my_chat_member": content}, None)


def test_being_added_to_a_group_is_noticed() -> None:
    assert group_chat(membership("member", GROUP)) == -70


@pytest.mark.parametrize(("status", "chat"), [("left", GROUP), ("kicked", GROUP), ("member", PRIVATE)])
def test_leaving_a_group_or_a_private_chat_is_not(status: str, chat: dict[str, Any]) -> None:
    assert group_chat(membership(status, chat)) is None
