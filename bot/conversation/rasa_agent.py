"""Rasa in process, on a thread and event loop of its own, so that a time-out holds while its NLU computes."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import os
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest import mock

from bot.conversation.messages import Button, Reply, typed
from bot.conversation.tracker_store import BoundedTrackerStore, State

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ModelError(RuntimeError):
    """The trained model is missing or damaged; the message says what to do."""


class DialogueFailed(RuntimeError):
    """Rasa could not answer a message: an error inside it, an action that raised, or no answer in time."""


class Answer:
    """What the dialogue made of one message.

    Attributes:
        replies: texts with buttons whose payloads are Rasa payloads.
        effects: what the engine has to do in the message's closing transaction (`actions/` ask for it by name).
        state: the conversation's new dialogue state.
        slots: slot values after the message.
    """

    def __init__(self, replies: list[Reply], effects: list[str], state: State | None, slots: dict[str, Any]) -> None:
        self.replies = replies
        self.effects = effects
        self.state = state
        self.slots = slots


class InProcessActions:
    """Runs `actions/` without an action server. Looks to Rasa like the endpoint it would call over HTTP."""

    url = "in-process"

    def __init__(self) -> None:
        from rasa_sdk.executor import ActionExecutor

        self.kwargs = {"enable_selective_domain": True}
        self.error: Exception | None = None
        self._executor = ActionExecutor()
        self._executor.register_package("actions")

    async def request(self, json: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        """Run one action. Rasa swallows what an action raises: it is kept in `error` for the engine."""
        from rasa_sdk.interfaces import ActionExecutionRejection

        try:
            result = await self._executor.run(json or {})
        except ActionExecutionRejection as rejection:
            from rasa.utils.endpoints import ClientResponseError

            body = f'{{"action_name": "{rejection.action_name}", "error": "rejected"}}'
            raise ClientResponseError(400, "rejected", body) from rejection
        except Exception as error:
            self.error = error
            raise
        return result or {"events": [], "responses": []}


class RasaAgent:
    """The trained model, loaded once.

    Args:
        model: the model file.

    Raises:
        ModelError: it cannot be loaded.
    """

    def __init__(self, model: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rasa", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._load(model), self._loop).result()
        except BaseException:
            self.close()
            raise

    async def _load(self, model: Path) -> None:
        quiet_rasa()
        if not model.exists():
            raise ModelError(f"there is no trained model at {model}: run `make` to train one")
        from rasa.core.agent import Agent
        from rasa.shared.exceptions import RasaException

        self._actions = InProcessActions()
        self._store = BoundedTrackerStore()
        try:
            with _domain_read_once():
                self._agent = Agent.load(model, tracker_store=self._store, action_endpoint=self._actions)  # type: ignore[arg-type]
        except (RasaException, OSError, ValueError, KeyError, EOFError) as error:
            raise ModelError(f"the trained model {model} is damaged ({error}): delete it and run `make`") from error
        if self._agent.processor is None:
            raise ModelError(f"the trained model {model} is damaged: delete it and run `make`")
        # Agent wraps the store in one that answers from memory when saving fails.
        self._store.domain = self._agent.processor.domain
        self._agent.tracker_store = self._store
        self._agent.processor.tracker_store = self._store

    async def parse(self, text: str, timeout_seconds: float) -> dict[str, Any]:
        """What the pipeline reads in a typed text: intent, ranking, entities, risk and more.

        Raises:
            DialogueFailed: an error, or no result in time.
        """
        return await self._run(self._parse(text), timeout_seconds)

    def parse_now(self, text: str) -> dict[str, Any]:
        """As `parse`, for callers without an event loop and without a limit on time."""
        return asyncio.run_coroutine_threadsafe(self._parse(text), self._loop).result()

    async def _parse(self, text: str) -> dict[str, Any]:
        return await self._agent.parse_message(typed(text))

    async def answer(
        self, conversation: str, parsed: dict[str, Any], state: State | None, timeout_seconds: float
    ) -> Answer:
        """Move the dialogue by one parsed message and collect the replies.

        Raises:
            DialogueFailed: an error, an action that raised, or no result in time; the state is then unchanged.
        """
        return await self._run(self._answer(conversation, parsed, state), timeout_seconds)

    async def parse_payload(self, payload: str, timeout_seconds: float) -> dict[str, Any]:
        """The parse of a button's payload such as `/help`; only for payloads that the bot itself made."""
        return await self._run(self._agent.parse_message(payload), timeout_seconds)

    async def _answer(self, conversation: str, parsed: dict[str, Any], state: State | None) -> Answer:
        from rasa.core.channels.channel import UserMessage

        from bot.conversation.output import WholeTextChannel

        self._actions.error = None
        # A key of its own for every call: a late result of a timed-out one must not meet the next.
        key = f"{conversation}-{os.urandom(4).hex()}"
        self._store.put(key, copy.deepcopy(state))
        channel = WholeTextChannel()
        message = UserMessage(
            parsed.get("text") or "",
            channel,
            sender_id=key,
            input_channel="wijzer",
            parse_data=parsed,  # type: ignore[arg-type]
        )
        try:
            await self._agent.handle_message(message)
            if self._actions.error is not None:
                raise DialogueFailed(f"an action failed: {type(self._actions.error).__name__}") from self._actions.error
            tracker = await self._store.retrieve(key)
        finally:
            new_state = self._store.take(key)
        slots = tracker.current_slot_values() if tracker else {}
        replies, effects = _collected(channel.messages)
        return Answer(replies, effects, new_state, slots)

    async def _run(self, work: Coroutine[Any, Any, T], timeout_seconds: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout_seconds)
        except asyncio.TimeoutError:
            raise DialogueFailed(f"no answer within {timeout_seconds} seconds") from None
        except DialogueFailed:
            raise
        except Exception as error:
            raise DialogueFailed(f"{type(error).__name__} inside Rasa") from error

    async def check(self, timeout_seconds: float) -> None:
        """Nothing, when the thread takes work; raises DialogueFailed when it does not within the time."""
        await self._run(asyncio.sleep(0), timeout_seconds)

    def close(self) -> None:
        """Stop the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)


def _collected(messages: list[dict[str, Any]]) -> tuple[list[Reply], list[str]]:
    replies: list[Reply] = []
    effects: list[str] = []
    for message in messages:
        if "custom" in message:
            effects.append(message["custom"]["effect"])
        if message.get("text"):
            buttons = tuple(Button(button["title"], button["payload"]) for button in message.get("buttons") or ())
            replies.append(Reply(message["text"], buttons))
    return replies, effects


@contextlib.contextmanager
def _domain_read_once() -> Iterator[None]:
    """Rasa reads the domain of a trained model four times, twice with a reader in pure Python: five seconds of a start.

    The model's domain was validated when it was trained; loading it reads its one file once.
    """
    from rasa.shared.core.domain import Domain
    from rasa.shared.utils import io

    def from_directory(path: str) -> Domain:
        files = sorted(Path(path).rglob("*.yml"))
        if len(files) != 1:
            return cast(Domain, original(path))
        return Domain.from_dict(io.read_yaml(files[0].read_text(encoding="utf-8")))

    original = Domain.from_directory
    with mock.patch.object(Domain, "from_directory", from_directory):
        yield


def quiet_rasa() -> None:
    """Switch off Rasa's debug lines (they cost more than a prediction) and everything that would log a person's words."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    import rasa.utils.log_utils

    rasa.utils.log_utils.configure_structlog(logging.ERROR)
    for name in ("rasa", "rasa_sdk", "matplotlib", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
