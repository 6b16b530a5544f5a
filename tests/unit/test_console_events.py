"""The stream that tells open pages to look again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.console.events import changes
from tests.console_world import ConsoleWorld

TOPICS = {"cases": "cases", "conversation": "conversation:geheim"}


async def signed_in() -> bool:
    return True


def test_a_notification_becomes_an_event_without_the_conversations_id(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)

    async def scenario() -> list[str | None]:
        stream = changes(world.notifications, TOPICS, signed_in)
        seen = [(await stream.__anext__()).event]
        for topic in ("conversation:geheim", "cases", "conversation:geheim"):
            following = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            world.notifications.notify("conversation:een-ander", topic)
            event = await asyncio.wait_for(following, 5)
            assert "geheim" not in event.encode().decode()
            seen.append(event.event)
        await stream.aclose()
        return seen

    assert asyncio.run(scenario()) == ["tick", "conversation", "cases", "conversation"]


def test_silence_is_a_tick(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)

    async def scenario() -> str | None:
        stream = changes(world.notifications, TOPICS, signed_in, tick_seconds=0.01)
        await stream.__anext__()
        event = await asyncio.wait_for(stream.__anext__(), 5)
        await stream.aclose()
        return event.event

    assert asyncio.run(scenario()) == "tick"


def test_a_stream_ends_with_the_session(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)

    async def signed_out() -> bool:
        return False

    async def scenario() -> list[str | None]:
        return [event.event async for event in changes(world.notifications, TOPICS, signed_out, tick_seconds=0.01)]

    assert asyncio.run(scenario()) == ["tick", "signed-out"]


def test_a_closed_stream_leaves_no_subscription_behind(tmp_path: Path) -> None:
    world = ConsoleWorld.at(tmp_path)

    async def scenario() -> None:
        stream = changes(world.notifications, TOPICS, signed_in, tick_seconds=0.01)
        for _ in range(3):
            await stream.__anext__()
        await stream.aclose()

    asyncio.run(scenario())
    assert not world.notifications._subscriptions
