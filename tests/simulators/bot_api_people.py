"""People and groups on the simulated server, as a test (or somebody at a terminal) plays them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulators.bot_api_state import BotApiState, Chat

WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class ShownMessage:
    """A message of the bot as a person sees it: text and the titles of its buttons."""

    id: int
    text: str
    buttons: tuple[str, ...]


class Person:
    """Somebody with a private chat. Times out by AssertionError, with what was seen."""

    def __init__(self, state: BotApiState, chat: Chat) -> None:
        self._state = state
        self.chat = chat

    def types(self, text: str) -> int | None:
        """Send a text; the update's id."""
        entities = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}] if text[:1] == "/" else []
        return self.sends(text=text, **({"entities": entities} if entities else {}))

    def sends_photo(self, caption: str | None = None, album: str | None = None) -> int | None:
        """Send a photo, with a caption or as part of an album."""
        content: dict[str, Any] = {
            "photo": [{"file_id": "p", "file_unique_id": "u", "width": 90, "height": 90}],
        }
        if caption:
            content["caption"] = caption
        if album:
            content["media_group_id"] = album
        return self.sends(**content)

    def sends_voice(self) -> int | None:
        """Send a voice message."""
        return self.sends(voice={"file_id": "v", "file_unique_id": "u", "duration": 3})

    def sends(self, **content: Any) -> int | None:
        """Send a message with any content of the Bot API."""
        with self._state.change():
            self.chat.is_started, self.chat.is_blocked = True, False
            message = self._state.add_message(self.chat, self._user(), content)
            return self._state.add_update("message", message)

    def edits(self, text: str) -> int | None:
        """Change the last message that the person sent."""
        with self._state.change():
            own = [message for message in self.chat.messages if message["from"]["id"] == self.chat.id]
            own[-1]["text"] = text
            return self._state.add_update("edited_message", {**own[-1], "edit_date": int(time.time())})

    def presses(self, title: str) -> int | None:
        """Press the newest button with that title."""
        with self._state.change():
            for message in reversed(self.chat.messages):
                for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                    for button in row:
                        if button["text"] == title:
                            return self.presses_data(button["callback_data"], message)
        raise AssertionError(f"there is no button {title!r}; seen: {self.messages}")

    def presses_data(self, data: str, message: dict[str, Any] | None = None) -> int | None:
        """Press a button that carries `data`, as an old client may."""
        with self._state.change():
            content = {
                "id": self._state.new_query_id(),
                "from": self._user(),
                "chat_instance": "1",
                "data": data,
            }
            if message is not None:
                content["message"] = dict(message)
            return self._state.add_update("callback_query", content)

    def blocks(self) -> None:
        """Block the bot; the bot hears of it, as on Telegram."""
        with self._state.change():
            self.chat.is_blocked = True
            self._state.add_update("my_chat_member", _membership(self._state, self.chat, self._user(), "kicked"))

    @property
    def messages(self) -> list[ShownMessage]:
        """What the bot said, in order."""
        with self._state.changed:
            return [_shown(one) for one in self.chat.messages if one["from"]["id"] == self._state.bot["id"]]

    @property
    def texts(self) -> list[str]:
        """The texts of what the bot said, in order."""
        return [message.text for message in self.messages]

    @property
    def sees_typing(self) -> bool:
        """Whether the bot has been seen typing."""
        return "typing" in self.chat.actions

    def wait_for_message(
        self, predicate: Callable[[ShownMessage], bool], timeout_seconds: float = WAIT_SECONDS
    ) -> ShownMessage:
        """The first message of the bot for which the predicate holds."""
        found = self._state.wait_until(lambda: [one for one in self.messages if predicate(one)], timeout_seconds)
        assert found, f"no such message within {timeout_seconds} s; seen: {self.messages}"
        first: ShownMessage = found[0]
        return first

    def wait_for_text(self, text: str, timeout_seconds: float = WAIT_SECONDS) -> ShownMessage:
        """The first message of the bot that holds the text."""
        return self.wait_for_message(lambda message: text in message.text, timeout_seconds)

    def _user(self) -> dict[str, Any]:
        return {"id": self.chat.id, "is_bot": False, "first_name": self.chat.name, "language_code": "nl"}


class Group:
    """A group chat with one member and perhaps the bot."""

    def __init__(self, state: BotApiState, chat: Chat) -> None:
        self._state = state
        self.chat = chat
        self._member = {"id": 999, "is_bot": False, "first_name": "Robin"}

    def adds_the_bot(self) -> int | None:
        """Somebody adds the bot."""
        return self._state.add_update("my_chat_member", _membership(self._state, self.chat, self._member, "member"))

    def types(self, text: str) -> int | None:
        """A member says something."""
        message = self._state.add_message(self.chat, self._member, {"text": text})
        return self._state.add_update("message", message)

    @property
    def texts(self) -> list[str]:
        """What the bot said here."""
        with self._state.changed:
            own = self._state.bot["id"]
            return [message["text"] for message in self.chat.messages if message["from"]["id"] == own]


def _shown(message: dict[str, Any]) -> ShownMessage:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return ShownMessage(
        message["message_id"], message["text"], tuple(button["text"] for row in keyboard for button in row)
    )


def _membership(state: BotApiState, chat: Chat, by: dict[str, Any], status: str) -> dict[str, Any]:
    old = {"user": state.bot, "status": "left" if status == "member" else "member"}
    new: dict[str, Any] = {"user": state.bot, "status": status}
    if status == "kicked":
        new["until_date"] = 0
    who = {"chat": chat.as_json(), "from": by, "date": int(time.time())}
    return {**who, "old_chat_member": old, "new_chat_member": new}
