"""A made-up day at the console, for pages that are looked at: nobody in it exists."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from bot.handoff import cases
from bot.handoff.cases import Signal
from tests.console_world import ConsoleWorld


def reading(text: str, level: str, category: str | None, words: str, intent: str, rule: str) -> dict[str, Any]:
    """A stored reading whose evidence is the words."""
    start = text.index(words)
    spans = [[start, start + len(words)]]
    parts = [
        {"name": f"pattern:{category}/{rule}", "level": level, "category": category, "score": 0.94, "spans": spans},
        {"name": "classifier", "level": level, "category": category, "score": 0.81, "spans": []},
    ]
    return {
        "intent": {"name": intent, "confidence": 0.72},
        "risk": {"level": level, "category": category, "score": 0.94, "evidence": spans, "parts": parts},
    }


def harmless(intent: str, confidence: float) -> dict[str, Any]:
    """A stored reading without risk."""
    risk: dict[str, Any] = {"level": "none", "category": None, "score": 0.0, "evidence": [], "parts": []}
    return {"intent": {"name": intent, "confidence": confidence}, "risk": risk}


def fill(world: ConsoleWorld) -> int:
    """Three members of staff and five conversations with a case; returns the id of the case that Sanne has."""
    sanne = world.staff("Sanne")
    world.staff("Ayşe de Groot", "admin")
    world.staff("Maarten")
    now = datetime.now(timezone.utc)
    ago = {minutes: now - timedelta(minutes=minutes) for minutes in (1, 2, 3, 4, 6, 14, 47, 130)}

    world.conversation("dag-acuut", "telegram", "teen", ago[3])
    text = "hij staat nu voor de deur met een mes 😭 mama is bang"
    found = reading(text, "acute", "threat_to_life", "nu voor de deur met een mes", "ruzie_ouders", "weapon-now")
    world.person_writes("dag-acuut", text, found, ago[3])
    world.case("dag-acuut", Signal("risk", "acute", "threat_to_life"), 3)

    world.conversation("dag-zorg", "web", "parent", ago[47])
    world.person_writes("dag-zorg", "I would like to talk in English please", None, ago[47])
    world.case("dag-zorg", Signal("language"), 47)

    world.conversation("dag-vraag", "web", "professional", ago[14])
    world.person_writes("dag-vraag", "mag ik iemand van jullie spreken?", None, ago[14])
    world.case("dag-vraag", Signal("request", "concern", "neglect"), 14)

    world.conversation("dag-hoog", "telegram", None, ago[130])
    world.person_writes("dag-hoog", "ik ben weggelopen en slaap bij een vriend", None, ago[130])
    world.case("dag-hoog", Signal("risk", "high", "runaway"), 130)

    held = _conversation_of_sanne(world, sanne, ago)
    world.conversation("dag-gewoon", "web", "parent", ago[6])
    world.person_writes("dag-gewoon", "wat kost mediation", None, ago[6])
    return held


def _conversation_of_sanne(world: ConsoleWorld, sanne: int, ago: dict[int, datetime]) -> int:
    name = "dag-sanne"
    world.conversation(name, "web", "child", ago[14])
    world.person_writes(name, "hoi", harmless("greet", 0.98), ago[14])
    opening = "Hoi! Ik ben Wijzer. Ik ben een computer. Met wie praat ik?"
    world.bot_writes(name, opening, "Ik ben een kind", "Ik ben 12 tot 18", now=ago[14])
    text = "als papa boos is slaat hij mij met zijn riem 😢 <b>elke week</b> en ik durf het tegen niemand te zeggen"
    found = reading(text, "high", "physical_abuse", "slaat hij mij met zijn riem", "gevoel_bang", "hits-me")
    world.person_writes(name, text, found, ago[6])
    world.bot_writes(
        name, "Wat goed dat je dit vertelt. Dit is niet jouw schuld.\nIemand van ons team leest het nu.", now=ago[6]
    )
    case_id = world.case(name, Signal("risk", "high", "physical_abuse"), 6)
    with world.database.transaction() as connection:
        cases.claim(connection, case_id, sanne, ago[4])
        cases.add_message(
            connection, world.cipher, name, "web", "system", "Hoi, ik ben Sanne. Ik ben een mens.", ago[4]
        )
        answer = "Dank je wel dat je dit durft te vertellen. Ben je nu thuis?"
        cases.add_staff_message(connection, world.cipher, case_id, sanne, answer, ago[2])
    world.person_writes(name, "ja maar hij is nu niet boos", harmless("affirm", 0.66), ago[1])
    return case_id
