"""The dialogue for every intent and every audience, and what its replies may state."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from bot.conversation.content import AUDIENCES, check, content_files, numbers_and_sites
from bot.conversation.rasa_agent import Answer, RasaAgent
from bot.directory.facts import FACTS_DIRECTORY, load_facts
from bot.directory.organisations import DIRECTORY
from bot.language.examples import training_examples
from bot.risk.reading import CATEGORIES, RiskReading

pytestmark = pytest.mark.anyio
INTENTS = sorted({example.intent for example in training_examples()} | {"nlu_fallback"})


def parsed(intent: str, text: str = "iets", **more: Any) -> dict[str, Any]:
    ranking = [{"name": intent, "confidence": 0.9}, {"name": "gezag", "confidence": 0.05}]
    return {"text": text, "intent": ranking[0], "intent_ranking": ranking, "entities": [], "language": "nl"} | more


def state(audience: str) -> list[dict[str, Any]] | None:
    if audience == "unknown":
        return None
    return [{"event": "slot", "name": "audience", "value": audience}, {"event": "action", "name": "action_listen"}]


async def answer(agent: RasaAgent, intent: str, audience: str, **more: Any) -> Answer:
    return await agent.answer("test", parsed(intent, **more), state(audience), 20)


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_every_intent_has_a_reply_for_every_audience(agent: RasaAgent, audience: str) -> None:
    silent = []
    for intent in INTENTS:
        result = await answer(agent, intent, audience)
        if not any(reply.text.strip() for reply in result.replies):
            silent.append(intent)
    assert silent == []


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_every_number_and_site_in_a_reply_stands_in_the_facts(agent: RasaAgent, audience: str) -> None:
    allowed: set[str] = set()
    for fact in load_facts().values():
        if fact.confirmed:
            allowed |= numbers_and_sites(fact.text)
    with (DIRECTORY / "organisations.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["status"] == "confirmed":
                allowed |= numbers_and_sites(" ".join((row["name"], row["website"], row["phone"], row["kind"])))
    for intent in INTENTS:
        for reply in (await answer(agent, intent, audience, municipality="Helmond")).replies:
            assert numbers_and_sites(reply.text) <= allowed, (intent, reply.text)


async def test_two_audiences_get_two_answers_on_every_topic(agent: RasaAgent) -> None:
    same = []
    for intent in INTENTS:
        child, parent = await answer(agent, intent, "child"), await answer(agent, intent, "parent")
        texts = [[reply.text for reply in one.replies] for one in (child, parent)]
        if texts[0] == texts[1]:
            same.append(intent)
    assert set(same) <= {"change_language"}, same


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("level", ["high", "acute"])
async def test_danger_is_answered_above_every_intent_and_ends_a_form(
    agent: RasaAgent, category: str, level: str
) -> None:
    risk = RiskReading(level, category, 0.9, ((0, 1),)).as_dict()
    inside_form = (await answer(agent, "find_service", "child")).state
    for intent in ("inform", "affirm", "nlu_fallback", "gezag", "delete_data"):
        result = await agent.answer("test", parsed(intent, risk=risk, municipality="Helmond"), inside_form, 20)
        assert result.slots["requested_slot"] is None
        assert result.slots["municipality"] is None
        assert result.slots["audience"] == "child"
        assert "112" in result.replies[0].text or level == "high"
        assert result.effects == []


def test_all_content_is_readable_and_states_only_facts() -> None:
    assert check(content_files()) == []


def test_there_are_facts() -> None:
    assert len(load_facts(FACTS_DIRECTORY)) > 200


async def test_a_named_kind_of_help_is_explained(agent: RasaAgent) -> None:
    named = await answer(agent, "hulpvorm_uitleg", "parent", text="wat is pleegzorg precies")
    general = await answer(agent, "hulpvorm_uitleg", "parent", text="welke soorten hulp zijn er")
    assert named.replies[0].text != general.replies[0].text
    assert "pleeg" in named.replies[0].text.lower()
    first = await answer(agent, "mediation", "parent", text="wat is mediation first")
    assert "Oosterpoort" in first.replies[0].text
