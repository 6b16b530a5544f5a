"""The terminal: `wijzer chat`. Buttons are numbered; typing the number presses one."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from bot.conversation.engine import ConversationEngine
from bot.conversation.messages import Button, IncomingMessage, Outcome, UnknownConversation
from bot.handoff.texts import text

STOP_WORDS = frozenset({"stop", "exit", "quit", "/stop"})
NEW_WORDS = frozenset({"nieuw", "/nieuw"})


class TerminalChat:
    """One conversation in a terminal.

    Args:
        engine: answers messages.
        read: gives the next line; raises EOFError at the end.
        write: shows a text.
    """

    def __init__(self, engine: ConversationEngine, read: Callable[[], str], write: Callable[[str], None]) -> None:
        self._engine = engine
        self._read = read
        self._write = write
        self._conversation = ""
        self._buttons: list[Button] = []

    async def run(self) -> None:
        """Talk until the input ends or the person types stop."""
        self._write(text("opening_terminal", None) + "\n(Typ 'stop' om te stoppen, 'nieuw' voor een nieuw gesprek.)\n")
        while True:
            try:
                typed = self._read()
            except EOFError:
                return
            if typed.strip().lower() in STOP_WORDS:
                return
            if typed.strip().lower() in NEW_WORDS:
                self._conversation, self._buttons = "", []
            elif typed.strip():
                self._show(await self._send(typed))

    async def _send(self, typed: str) -> Outcome:
        button = self._chosen(typed.strip())
        message = IncomingMessage(
            channel="terminal",
            address=self._conversation,
            update_id=secrets.token_urlsafe(24),
            text="" if button else typed,
            button=button.payload if button else None,
        )
        try:
            return await self._engine.handle(message)
        except UnknownConversation:
            # Erased at the person's own wish: what follows is a new conversation.
            self._conversation = ""
            return await self._send(typed)

    def _chosen(self, typed: str) -> Button | None:
        if typed.isdecimal() and 1 <= int(typed) <= len(self._buttons):
            return self._buttons[int(typed) - 1]
        return None

    def _show(self, outcome: Outcome) -> None:
        first = not self._conversation
        self._conversation = outcome.conversation
        self._buttons = [button for reply in outcome.replies for button in reply.buttons]
        number = 0
        opening = text("opening_terminal", None)
        for reply in outcome.replies:
            lines = [] if first and reply.text == opening else [reply.text]
            for button in reply.buttons:
                number += 1
                lines.append(f"  [{number}] {button.title}")
            self._write("\n".join(lines) + "\n")
        if outcome.handoff == "active":
            self._write("(Een medewerker leest mee en antwoordt.)\n")
