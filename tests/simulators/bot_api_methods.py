"""The methods of the Bot API that the simulator knows, with the checks and refusals of the real server.

Wording of the errors: as the public server answers (https://core.telegram.org/bots/api, source of telegram-bot-api).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulators.bot_api_state import ApiError, BotApiState, Chat

Parameters = dict[str, Any]
MAXIMUM_TEXT_LENGTH = 4096
MAXIMUM_CALLBACK_BYTES = 64
MAXIMUM_POLL_SECONDS = 50
CHAT_ACTIONS = frozenset({"typing", "upload_photo", "record_voice", "upload_voice", "find_location"})


class Methods:
    """What the bot may call."""

    def __init__(self, state: BotApiState) -> None:
        self._state = state
        self._by_name: dict[str, Callable[[Parameters], Awaitable[Any]]] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "sendmessage": self._send_message,
            "sendchataction": self._send_chat_action,
            "answercallbackquery": self._answer_callback_query,
            "editmessagereplymarkup": self._edit_message_reply_markup,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "setmycommands": self._set_my_commands,
            "setmydescription": self._set_my_description,
            "setmyshortdescription": self._set_my_short_description,
            "leavechat": self._leave_chat,
        }

    async def call(self, method: str, parameters: Parameters) -> Any:
        """The `result` of a call; raises ApiError when it is refused."""
        known = self._by_name.get(method.lower())
        if known is None:
            raise ApiError(404, "Not Found")
        return await known(parameters)

    async def _get_me(self, parameters: Parameters) -> Any:
        return self._state.bot

    async def _get_updates(self, parameters: Parameters) -> Any:
        if self._state.webhook is not None:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first",
            )
        seconds = min(float(parameters.get("timeout") or 0), MAXIMUM_POLL_SECONDS)
        limit = int(parameters.get("limit") or 100)
        with self._state.waiting() as changed:
            with self._state.change():
                self._state.poll_number += 1
                own_number = self._state.poll_number
                if parameters.get("allowed_updates") is not None:
                    self._state.allowed_updates = list(_json(parameters["allowed_updates"]))
            self._state.confirm(int(parameters.get("offset") or 0))
            deadline = asyncio.get_running_loop().time() + seconds
            while not self._state.updates and not self._state.is_stopping:
                changed.clear()
                try:
                    await asyncio.wait_for(changed.wait(), deadline - asyncio.get_running_loop().time())
                except asyncio.TimeoutError:
                    break
                if self._state.poll_number != own_number:
                    raise ApiError(
                        409,
                        "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
                        "is running",
                    )
            return self._state.updates[:limit]

    async def _send_message(self, parameters: Parameters) -> Any:
        chat = self._writable_chat(parameters)
        text = str(parameters.get("text") or "").strip()
        if not text:
            raise ApiError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAXIMUM_TEXT_LENGTH:
            raise ApiError(400, "Bad Request: message is too long")
        content: dict[str, Any] = {"text": text}
        if parameters.get("reply_markup"):
            content["reply_markup"] = _checked_markup(parameters["reply_markup"])
        return self._state.add_message(chat, self._state.bot, content)

    async def _send_chat_action(self, parameters: Parameters) -> Any:
        chat = self._writable_chat(parameters)
        if parameters.get("action") not in CHAT_ACTIONS:
            raise ApiError(400, "Bad Request: wrong parameter action in request")
        with self._state.change():
            chat.actions.append(parameters["action"])
        return True

    async def _answer_callback_query(self, parameters: Parameters) -> Any:
        with self._state.change():
            if parameters.get("callback_query_id") not in self._state.unanswered_queries:
                raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
            self._state.unanswered_queries.discard(parameters["callback_query_id"])
        return True

    async def _edit_message_reply_markup(self, parameters: Parameters) -> Any:
        chat = self._writable_chat(parameters)
        with self._state.change():
            for message in chat.messages:
                if str(message["message_id"]) == str(parameters.get("message_id")):
                    break
            else:
                raise ApiError(400, "Bad Request: message to edit not found")
            if message["from"]["id"] != self._state.bot["id"]:
                raise ApiError(400, "Bad Request: message can't be edited")
            markup = _checked_markup(parameters["reply_markup"]) if parameters.get("reply_markup") else None
            if markup == message.get("reply_markup"):
                raise ApiError(
                    400,
                    "Bad Request: message is not modified: specified new message content and reply markup are "
                    "exactly the same as a current content and reply markup of the message",
                )
            message.pop("reply_markup", None)
            if markup:
                message["reply_markup"] = markup
            return message

    async def _set_webhook(self, parameters: Parameters) -> Any:
        url = str(parameters.get("url") or "")
        secret = parameters.get("secret_token")
        if secret and (len(secret) > 256 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in secret)):
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        with self._state.change():
            self._state.webhook = {"url": url, "secret": secret} if url else None
            if parameters.get("allowed_updates") is not None:
                self._state.allowed_updates = list(_json(parameters["allowed_updates"]))
            # A poller that waits is sent away.
            self._state.poll_number += 1
        return True

    async def _delete_webhook(self, parameters: Parameters) -> Any:
        with self._state.change():
            self._state.webhook = None
            if str(parameters.get("drop_pending_updates", "")).lower() == "true":
                self._state.updates.clear()
        return True

    async def _get_webhook_info(self, parameters: Parameters) -> Any:
        webhook = self._state.webhook or {"url": ""}
        return {
            "url": webhook["url"],
            "has_custom_certificate": False,
            "pending_update_count": len(self._state.updates),
            "allowed_updates": self._state.allowed_updates,
        }

    async def _set_my_commands(self, parameters: Parameters) -> Any:
        commands = _json(parameters.get("commands") or "null")
        if not isinstance(commands, list):
            raise ApiError(400, "Bad Request: can't parse commands JSON object")
        for command in commands:
            if not 1 <= len(command["command"]) <= 32 or command["command"] != command["command"].lower():
                raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        return self._set_profile("commands", commands)

    async def _set_my_description(self, parameters: Parameters) -> Any:
        text = str(parameters.get("description") or "")
        if len(text) > 512:
            raise ApiError(400, "Bad Request: DESCRIPTION_TOO_LONG")
        return self._set_profile("description", text)

    async def _set_my_short_description(self, parameters: Parameters) -> Any:
        text = str(parameters.get("short_description") or "")
        if len(text) > 120:
            raise ApiError(400, "Bad Request: ABOUT_TOO_LONG")
        return self._set_profile("short_description", text)

    async def _leave_chat(self, parameters: Parameters) -> Any:
        chat = self._writable_chat(parameters)
        if chat.kind == "private":
            raise ApiError(400, "Bad Request: chat member status can't be changed in private chats")
        with self._state.change():
            chat.is_left = True
        return True

    def _set_profile(self, name: str, value: Any) -> bool:
        with self._state.change():
            self._state.profile[name] = value
        return True

    def _writable_chat(self, parameters: Parameters) -> Chat:
        if not parameters.get("chat_id"):
            raise ApiError(400, "Bad Request: chat_id is empty")
        try:
            chat = self._state.chats.get(int(parameters["chat_id"]))
        except ValueError:
            chat = None
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        if chat.is_blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat.is_left:
            raise ApiError(403, "Forbidden: bot is not a member of the group chat")
        if chat.kind == "private" and not chat.is_started:
            raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return chat


def _json(value: Any) -> Any:
    """A nested parameter: JSON in a form, a value already in a JSON body."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ApiError(400, "Bad Request: can't parse JSON object") from None


def _checked_markup(value: Any) -> dict[str, Any]:
    markup: dict[str, Any] = _json(value)
    if not isinstance(markup, dict):
        raise ApiError(400, "Bad Request: object expected as reply markup")
    for row in markup.get("inline_keyboard", []):
        for button in row:
            if not str(button.get("text") or "").strip():
                raise ApiError(400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed")
            data = button.get("callback_data")
            if data is not None and not 1 <= len(data.encode()) <= MAXIMUM_CALLBACK_BYTES:
                raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup
