"""Rasa's output, kept whole: its own collecting channel cuts a text into several messages at every empty line."""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel


class WholeTextChannel(CollectingOutputChannel):
    """Collects what the bot says, one message an utterance."""

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Keep a text."""
        await self._persist_message(self._message(recipient_id, text=text))
