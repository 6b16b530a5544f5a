"""A message in, replies out: the values that channels and the engine exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAXIMUM_TEXT_LENGTH = 20_000
_PAYLOAD_START = re.compile(r"^[\s/]+")


@dataclass(frozen=True)
class IncomingMessage:
    """What one person sent, as a channel hands it to the engine.

    Attributes:
        channel: `telegram`, `web` or `terminal`.
        address: the person's place in that channel: a Telegram chat id, or the conversation's id for web and terminal;
            empty starts a new conversation.
        update_id: unique within the channel; the same one again is not handled twice.
        text: what was typed; empty when a button was pressed.
        button: the token of the pressed button.
    """

    channel: str
    address: str
    update_id: str
    text: str = ""
    button: str | None = None


@dataclass(frozen=True)
class Button:
    """A choice. `payload` is an opaque token outside the engine, a Rasa payload such as `/help` inside it."""

    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """One message of the bot."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of one message.

    Attributes:
        conversation: the conversation's id, an unguessable secret.
        replies: in order; their buttons carry tokens.
        handoff: `none`, `waiting`, `active` or `closed`.
    """

    conversation: str
    replies: tuple[Reply, ...] = field(default=())
    handoff: str = "none"


class UnknownConversation(LookupError):
    """There is no conversation with that id (any more)."""


class UnknownButton(LookupError):
    """The pressed button does not belong to this conversation."""


def typed(text: str) -> str:
    """A text as Rasa may see it: never a payload.

    A leading `/` makes a payload in Rasa; a run of them at the start becomes spaces, so that all offsets stay.
    """
    start = len(text) - len(_PAYLOAD_START.sub("", text))
    return " " * start + text[start:]
