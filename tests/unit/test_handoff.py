"""Hours, texts, safety replies and the help ladder."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.directory.helplines import EMERGENCY, helplines, lines_for
from bot.directory.ladder import next_step, shows_escalation
from bot.handoff import texts
from bot.handoff.hours import next_look
from bot.handoff.safety import concern_texts, safety_texts
from bot.risk.reader import RULES_DIRECTORY
from bot.risk.reading import CATEGORIES, Part, RiskReading, combine
from bot.risk.rules import read_rules

AUDIENCES = ("child", "teen", "parent", "professional", None)
HOURS = dict.fromkeys(range(5), ("09:00", "17:00"))
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 20, 7, 0), "vandaag om 9 uur"),
        (datetime(2026, 11, 20, 12, 0), "vandaag voor 17 uur"),
        (datetime(2026, 11, 20, 20, 0), "op maandag om 9 uur"),
        (datetime(2026, 11, 22, 12, 0), "morgen om 9 uur"),
    ],
)
def test_the_next_look_is_said_in_words(moment: datetime, words: str) -> None:
    assert next_look(moment.replace(tzinfo=AMSTERDAM), HOURS, "Europe/Amsterdam") == words


def test_without_hours_no_time_is_promised() -> None:
    assert next_look(datetime(2026, 11, 20, 7, 0, tzinfo=AMSTERDAM), {}, "Europe/Amsterdam") is None


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_acute_danger_is_answered_with_112_first(category: str, audience: str | None) -> None:
    spoken = safety_texts(RiskReading("acute", category, 0.9), audience)
    assert "112" in spoken[0].splitlines()[0]


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_high_danger_is_answered_with_the_lines_of_its_category(category: str, audience: str | None) -> None:
    spoken = "\n".join(safety_texts(RiskReading("high", category, 0.9), audience))
    assert all(line.name in spoken for line in lines_for(category, audience)[:3])


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_concern_gets_a_line_and_the_offer_of_a_human(category: str) -> None:
    spoken = concern_texts(RiskReading("concern", category, 0.5), "child")
    assert texts.text("concern_offer", "child") == spoken[-1]
    assert len(spoken) == 2


def test_no_reply_promises_secrecy() -> None:
    for category in CATEGORIES:
        for level in ("high", "acute"):
            for audience in AUDIENCES:
                spoken = " ".join(safety_texts(RiskReading(level, category, 0.9), audience)).lower()
                assert "geheim houden" not in spoken
                assert "niemand hoeft het te weten" not in spoken


def test_an_unconfirmed_number_is_never_shown() -> None:
    for name in ("helpline.mind", "helpline.iko", "helpline.juridisch_loket"):
        assert helplines()[name].phone is None


def test_who_is_unknown_gets_the_lines_of_a_child() -> None:
    assert [line.id for line in lines_for("suicide", None)] == [line.id for line in lines_for("suicide", "child")]
    assert lines_for("threat_to_life", "child")[0].id == EMERGENCY


def test_the_ladder_goes_up_one_step_at_a_time() -> None:
    steps, offered = [], 0
    for signs in range(1, 10):
        step = next_step(signs, offered)
        if step:
            steps.append((signs, step))
            offered = step
    assert steps == [(2, 1), (4, 2), (6, 3)]
    assert shows_escalation("contactverlies")
    assert not shows_escalation("huisdier")


def test_the_gravest_part_decides_and_evidence_points_at_words() -> None:
    reading = combine(
        [
            Part("classifier", "concern", "neglect", 0.9, ((0, 3),)),
            Part("pattern:a", "high", "suicide", 0.7, ((5, 9),)),
            Part("pattern:b", "none", None, 0.0),
        ]
    )
    assert (reading.level, reading.category, reading.evidence) == ("high", "suicide", ((5, 9),))


@pytest.mark.parametrize("level", ["high", "acute"])
def test_who_did_it_hears_the_words_for_who_did_it(level: str) -> None:
    rules = {f"pattern:{rule.category}/{rule.name}" for rule in read_rules(RULES_DIRECTORY)}
    name = "pattern:domestic_violence/ik-sloeg-mijn-partner-perpetrator"
    assert name in rules
    reading = RiskReading(
        level,
        "domestic_violence",
        0.9,
        ((0, 5),),
        (Part(name, "high", "domestic_violence", 0.85, ((0, 5),)), Part("classifier", level, "domestic_violence", 0.9)),
    )
    assert safety_texts(reading, "parent")[0] == texts.text(f"safety_{level}_perpetrator", "parent")
