"""The connection to a Bot API server: python-telegram-bot, made patient.

What it changes: one update that the library cannot read does not hold up the rest, a server that answers "not found"
for a moment does not end the polling for good, and the library's own logs (which may hold the token or what a person
typed) are off.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any
from urllib.parse import urlsplit

from telegram import Update
from telegram.error import BadRequest, InvalidToken, NetworkError
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 15.0
CONNECTIONS = 32


class TelegramClient(ExtBot[int]):
    """A bot that keeps polling whatever the server says."""

    async def get_updates(self, *arguments: Any, **options: Any) -> tuple[Update, ...]:
        """As in the library; a refused token is reported as NetworkError, which the polling loop survives."""
        try:
            return await super().get_updates(*arguments, **options)
        except InvalidToken:
            raise NetworkError("the Bot API server does not know the token (any more)") from None

    async def delete_webhook(self, *arguments: Any, **options: Any) -> bool:
        """As in the library; False on a server that has no webhooks, where polling works anyway."""
        try:
            return await super().delete_webhook(*arguments, **options)
        except (InvalidToken, BadRequest):
            return False


class UpdatesRequest(HTTPXRequest):
    """Reads the answer to getUpdates; an update that cannot be read keeps its number only, and so is confirmed."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The JSON of an answer; raises TelegramError when it is none."""
        answer = HTTPXRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = [_readable(update) for update in answer["result"]]
        return answer


def connect(token: str, api_url: str) -> TelegramClient:
    """A client for a token; nothing is sent yet.

    Args:
        token: the bot's token.
        api_url: base of the Bot API server, without `/bot<token>`.

    Raises:
        InvalidToken: the token is empty.
    """
    silence_libraries()
    return TelegramClient(
        token=token,
        base_url=f"{api_url.rstrip('/')}/bot",
        request=HTTPXRequest(**_request_options(api_url)),
        get_updates_request=UpdatesRequest(**_request_options(api_url)),
        # It only keeps below Telegram's 30 messages a second. At a 429 it must not act (0 retries), as it would hold up
        # all chats for one; the sender puts off that chat alone.
        rate_limiter=AIORateLimiter(max_retries=0),
    )


def silence_libraries() -> None:
    """Keep tokens (in httpx's request lines) and typed texts (in the library's errors) out of every log."""
    logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Every 429 would print that `retry_after` becomes a timedelta some day; the sender takes both.
    warnings.filterwarnings("ignore", message="(?s).*attribute `retry_after`", category=PTBDeprecationWarning)


def _request_options(api_url: str) -> dict[str, Any]:
    is_local = urlsplit(api_url).hostname in ("localhost", "127.0.0.1", "::1")
    return {
        "connection_pool_size": CONNECTIONS,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "pool_timeout": READ_TIMEOUT_SECONDS,
        # A proxy of the environment leads away from a server on this machine.
        "httpx_kwargs": {"trust_env": False} if is_local else {},
    }


def _readable(update: Any) -> Any:
    try:
        Update.de_json(update, None)
    except Exception:  # the library raises whatever a missing field leads to
        return {"update_id": update["update_id"]}
    return update
