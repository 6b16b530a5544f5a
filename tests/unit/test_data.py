"""The training data and the test split: enough, clean, apart from each other."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from bot.language.examples import NLU_DIRECTORY, read_json_lines, training_examples
from bot.language.spelling import normalize
from bot.risk.reading import CATEGORIES, LEVELS

CONTROL = {
    "greet", "goodbye", "thank", "affirm", "deny", "help", "bot_challenge", "smalltalk", "request_human", "find_service",
    "inform", "change_language", "delete_data", "start_over", "repeat", "feedback_negative", "insult", "out_of_scope",
}  # fmt: skip
FEELINGS = {
    "gevoel_verdrietig", "gevoel_boos", "gevoel_bang", "gevoel_alleen", "gevoel_schuldig", "gevoel_gestrest",
    "klem_tussen_ouders",
}  # fmt: skip
TOPICS = {path.stem for path in (NLU_DIRECTORY / "topics").glob("*.yml")}
EXAMPLES = list(training_examples())
RISK_FILES = sorted((NLU_DIRECTORY / "risk").glob("*.jsonl"))
TEST_FILES = sorted((NLU_DIRECTORY / "test").glob("*.jsonl"))
NEAR_DUPLICATE = 92


def test_all_intents_of_the_taxonomy_are_there() -> None:
    assert {example.intent for example in EXAMPLES} == CONTROL | FEELINGS | TOPICS
    assert len(TOPICS) == 55


def test_every_topic_and_feeling_has_at_least_150_examples_and_every_control_intent_80() -> None:
    counts = Counter(example.intent for example in EXAMPLES)
    assert {intent: count for intent, count in counts.items() if count < (80 if intent in CONTROL else 150)} == {}


def test_no_example_stands_under_two_intents() -> None:
    seen: dict[str, str] = {}
    for example in EXAMPLES:
        plain = normalize(example.text)
        assert seen.setdefault(plain, example.intent) == example.intent, example.text


def test_no_example_can_be_read_as_a_payload_or_an_entity() -> None:
    assert [one.text for one in EXAMPLES if one.text.startswith("/") or "](" in one.text] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_the_test_split_holds_no_near_duplicate_of_the_training_data(path: Path) -> None:
    entries = read_json_lines(path)
    if "intent" in entries[0]:
        trained = [normalize(one.text) for one in EXAMPLES]
    elif "turns" in entries[0] or "municipality" in entries[0]:
        return
    else:
        trained = [normalize(str(one["text"])) for file in RISK_FILES for one in read_json_lines(file)]
    tested = [plain for entry in entries if len(plain := normalize(str(entry["text"]))) >= 25]
    scores = process.cdist(tested, trained, scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE, workers=2)
    near = [(tested[row], trained[column]) for row, column in zip(*scores.nonzero())]
    assert near == []


@pytest.mark.parametrize("path", [*RISK_FILES, *TEST_FILES], ids=lambda path: path.name)
def test_labels_are_those_of_the_taxonomy(path: Path) -> None:
    for entry in read_json_lines(path):
        if "level" in entry:
            assert entry["level"] in LEVELS[1:]
            assert entry["category"] in CATEGORIES
        if "intent" in entry:
            assert entry["intent"] in CONTROL | FEELINGS | TOPICS


def test_broken_lines_are_named_with_file_and_number(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"text": "a"}) + "\n{broken\n")
    with pytest.raises(ValueError, match="line 2"):
        read_json_lines(file)
