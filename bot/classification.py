"""`wijzer classify`: what is understood of each line of standard input, as one JSON object a line.

Lines are separated by `\\n` alone. A line that starts with `{` is JSON (`{"text": ...}` or `{"turns": [...]}`); every other line,
an empty one too, is a text. Needs no database, no key and no network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from bot.risk.memory import RiskMemory, observe
from bot.risk.reading import RiskReading

RANKED = 5
Parse = Callable[[str], "dict[str, Any]"]
Read = Callable[[str], RiskReading]


def classify_text(text: str, parse: Parse) -> dict[str, Any]:
    """What is understood of one text; see the architecture's stable interfaces."""
    parsed = parse(text)
    ranking = [
        {"name": one["name"], "confidence": round(one["confidence"], 6)}
        for one in parsed["intent_ranking"]
        if one["name"] != "nlu_fallback"
    ][:RANKED]
    risk = parsed["risk"]
    return {
        "text": text,
        "intent": ranking[0],
        "ranking": ranking,
        "entities": [
            {"entity": one["entity"], "start": one["start"], "end": one["end"], "value": one["value"]}
            for one in parsed["entities"]
        ],
        "municipality": parsed.get("municipality"),
        "language": parsed.get("language"),
        "risk": {key: risk[key] for key in ("level", "category", "score", "evidence")},
    }


def classify_turns(turns: list[str], parse: Parse, read: Read) -> dict[str, Any]:
    """What is understood of a person's messages in one conversation, each with the highest risk so far."""
    memory = RiskMemory()
    highest = RiskReading()
    results = []
    for turn in turns:
        parsed: dict[str, Any] = {}

        def remember(text: str, target: dict[str, Any] = parsed) -> dict[str, Any]:
            target.update(parse(text))
            return target

        result = classify_text(turn, remember)
        memory, reading = observe(memory, turn, RiskReading.from_dict(parsed["risk"]), read)
        if reading.severity > highest.severity:
            highest = reading
        result["risk"] = {
            "level": highest.level,
            "category": highest.category,
            "score": round(highest.score, 4),
            "evidence": [list(span) for span in reading.evidence],
        }
        results.append(result)
    return {"turns": results, "risk": {"level": highest.level, "category": highest.category}}


def classify_line(line: str, parse: Parse, read: Read) -> dict[str, Any]:
    """The result for one line; `{"error": ...}` when it is JSON that does not hold what it should."""
    if not line.startswith("{"):
        return classify_text(line, parse)
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        return {"error": f"broken JSON: {error}"}
    if isinstance(value.get("text"), str):
        return classify_text(value["text"], parse)
    turns = value.get("turns")
    if isinstance(turns, list) and all(isinstance(turn, str) for turn in turns):
        return classify_turns(turns, parse, read)
    return {"error": 'expected {"text": "..."} or {"turns": ["...", ...]}'}


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """The lines of a binary stream, separated by `\\n` alone; bytes that are no UTF-8 become U+FFFD."""
    for line in stream:
        yield line.removesuffix(b"\n").decode("utf-8", "replace")


def classify(lines: Iterable[str], parse: Parse, read: Read) -> Iterator[str]:
    """One ASCII-escaped JSON object for each line, in order."""
    for line in lines:
        yield json.dumps(classify_line(line, parse, read))
