"""Functional tests of the risk reader, one behaviour at a time (in the manner of HateCheck, Röttger et al. 2021)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.conversation.rasa_agent import RasaAgent
from bot.evaluation import FunctionCase, function_level, is_right, read_functions
from bot.risk.reader import RiskReader

FILE = Path(__file__).resolve().parents[1] / "functions" / "risk_functions.yml"
CASES = read_functions(FILE)
FUNCTIONS = sorted({case.function for case in CASES})


@pytest.fixture(scope="module")
def levels(agent: RasaAgent, reader: RiskReader) -> dict[FunctionCase, str]:
    return {case: function_level(case, agent.parse_now, reader.read)[0] for case in CASES}


def test_there_are_at_least_forty_functions_with_eight_cases_each() -> None:
    counts = Counter(case.function for case in CASES)
    assert len(counts) >= 40
    assert min(counts.values()) >= 8


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function(function: str, levels: dict[FunctionCase, str]) -> None:
    wrong = [(level, case) for case, level in levels.items() if case.function == function and not is_right(case, level)]
    allowed = KNOWN_MISSES.get(function, 0)
    assert len(wrong) <= allowed, wrong


def test_of_a_hundred_cases_95_are_read_right_and_all_direct_disclosures(levels: dict[FunctionCase, str]) -> None:
    right = {case: is_right(case, level) for case, level in levels.items()}
    direct = [hit for case, hit in right.items() if case.function.startswith("direct_")]
    assert sum(right.values()) / len(right) >= 0.95
    assert all(direct)


# What the reader is known to miss today, function by function: nothing may be added. A better reader makes this shorter.
KNOWN_MISSES = {
    "answer_to_bot_question": 1,
    "danger_word_in_ordinary_care_talk": 2,
    "disclosure_at_end_of_other_question": 3,
    "disclosure_inside_long_story": 1,
    "figurative_parents": 1,
    "hypothetical_without_sign": 2,
    "idiom_beside_disclosure": 1,
    "news": 1,
    "ordinary_strictness": 1,
    "polish_direct": 1,
    "role_play_or_game": 1,
    "sarcasm_or_joke_threat": 2,
    "school_work": 1,
}
