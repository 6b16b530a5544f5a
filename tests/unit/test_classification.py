"""`wijzer classify`, line by line, with a made-up pipeline."""

from __future__ import annotations

import io
import json
from typing import Any

from bot.classification import classify, lines_of
from bot.risk.reading import RiskReading


def parse(text: str) -> dict[str, Any]:
    level = "high" if "gevaar" in text else "none"
    return {
        "intent_ranking": [{"name": "nlu_fallback", "confidence": 0.9}]
        + [{"name": f"intent{number}", "confidence": 0.1} for number in range(8)],
        "entities": [{"entity": "plaats", "start": 0, "end": 1, "value": "X", "extractor": "me"}],
        "municipality": None,
        "language": "nl",
        "risk": RiskReading(level, "neglect" if level == "high" else None, 0.5).as_dict(),
    }


def read(text: str) -> RiskReading:
    return RiskReading.from_dict(parse(text)["risk"])


def results(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in classify(lines_of(io.BytesIO(content)), parse, read)]


def test_every_line_gives_one_object_in_order() -> None:
    lines = [f"regel {number}" for number in range(1000)]
    lines[10], lines[20], lines[30] = "", "{broken", "x" * 20_000
    got = results("\n".join(lines).encode() + b"\n")
    assert len(got) == 1000
    assert "error" in got[20]
    assert all(got[number]["text"] == lines[number] for number in range(1000) if number != 20)


def test_the_intent_is_the_first_of_five_and_never_the_fallback() -> None:
    [result] = results(b"hoi")
    assert result["intent"] == result["ranking"][0]
    assert [one["name"] for one in result["ranking"]] == [f"intent{number}" for number in range(5)]
    assert set(result) == {"text", "intent", "ranking", "entities", "municipality", "language", "risk"}
    assert set(result["risk"]) == {"level", "category", "score", "evidence"}


def test_only_a_newline_separates() -> None:
    assert [one["text"] for one in results("a\u2028b\rc\x0bd\n e ".encode())] == ["a\u2028b\rc\x0bd", " e "]


def test_the_output_is_ascii() -> None:
    [line] = list(classify(["é 👊 \ud83d"], parse, read))
    assert line.isascii()


def test_json_may_hold_a_text_or_turns() -> None:
    text, turns = results(b'{"text": "hoi"}\n{"turns": ["hoi", "gevaar", "dank je wel hoor"]}')
    assert text["text"] == "hoi"
    assert [turn["risk"]["level"] for turn in turns["turns"]] == ["none", "high", "high"]
    assert turns["risk"] == {"level": "high", "category": "neglect"}


def test_json_of_another_form_is_an_error_in_its_place() -> None:
    got = results(b'{"text": 3}\n{"turns": "x"}\n{}\n{"turns": [1]}\nhoi')
    assert ["error" in one for one in got] == [True, True, True, True, False]


def test_a_text_that_starts_with_a_slash_is_text() -> None:
    assert results(b"/restart")[0]["text"] == "/restart"
