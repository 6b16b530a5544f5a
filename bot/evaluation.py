"""`wijzer evaluate`: figures with 95% intervals, misses first, on a JSON-lines file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.classification import classify_text, classify_turns
from bot.language.examples import read_json_lines
from bot.risk.reading import RiskReading, severity

Parse = Callable[[str], "dict[str, Any]"]
Read = Callable[[str], RiskReading]


def evaluate(kind: str, file: Path, parse: Parse, read: Read, shown: int) -> Iterator[str]:
    """The lines to print for one file.

    Args:
        kind: `nlu`, `risk`, `places` or `conversations`.
        file: JSON lines in the form that `nlu_data/test/` has.
        parse: the pipeline.
        read: the risk reader, for conversations.
        shown: how many misses to list.

    Raises:
        ValueError: a line is broken or lacks a field.
    """
    entries = read_json_lines(file)
    try:
        if kind == "nlu":
            yield from _intents(entries, parse, shown)
        elif kind == "risk":
            yield from _risk(entries, parse, shown)
        elif kind == "places":
            yield from _places(entries, parse, shown)
        else:
            yield from _conversations(entries, parse, read, shown)
    except KeyError as error:
        raise ValueError(f"{file}: a line has no field {error}") from error


def interval(hits: int, total: int) -> tuple[float, float]:
    """The 95% Wilson interval of a share, as two numbers between 0 and 1."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def share_line(name: str, hits: int, total: int) -> str:
    """One figure: `name  83.1%  (171 of 206; 77.4-87.6%)`."""
    if not total:
        return f"{name:38} -  (no lines)"
    low, high = interval(hits, total)
    return f"{name:38} {hits / total:6.1%}  ({hits} of {total}; {low:.1%}-{high:.1%})"


def _intents(entries: list[dict[str, Any]], parse: Parse, shown: int) -> Iterator[str]:
    first: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    bins: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    misses = []
    for entry in entries:
        result = classify_text(entry["text"], parse)
        names = [one["name"] for one in result["ranking"]]
        right = {entry["intent"], *entry.get("also_ok", ())}
        hit, near = names[0] in right, bool(right & set(names[:3]))
        for group in ("all", entry.get("audience", "unknown")):
            first[group][0] += hit
            first[group][1] += near
            first[group][2] += 1
        confidence = result["intent"]["confidence"]
        one_bin = bins[min(int(confidence * 10), 9)]
        one_bin[0] += confidence
        one_bin[1] += hit
        one_bin[2] += 1
        if not hit:
            misses.append(f"  {entry['intent']} read as {names[0]} ({confidence:.2f}): {entry['text'][:120]!r}")
    yield f"misses ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    for group in sorted(first, key=lambda name: (name != "all", name)):
        yield share_line(f"top-1 {group}", first[group][0], first[group][2])
        yield share_line(f"top-3 {group}", first[group][1], first[group][2])
    total = max(len(entries), 1)
    error = sum(abs(one[0] - one[1]) for one in bins.values()) / total
    yield f"{'expected calibration error':38} {error:6.1%}"


def _risk(entries: list[dict[str, Any]], parse: Parse, shown: int) -> Iterator[str]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    misses = []

    def count(name: str, hit: bool) -> None:
        counts[name][0] += hit
        counts[name][1] += 1

    for entry in entries:
        risk = classify_text(entry["text"], parse)["risk"]
        read_as = severity(risk["level"])
        if "level" in entry and entry["level"] != "none":
            wanted = severity(entry["level"])
            found = read_as >= min(wanted, 2)
            count(f"1 recall {entry['level']}", found)
            if entry["level"] == "acute":
                count("1 recall acute read as acute", read_as == 3)
            if wanted >= 2:
                count(f"2 recall category {entry['category']}", found)
            if not found:
                misses.append(
                    f"  missed {entry['level']} {entry['category']}, read as {risk['level']}: {entry['text'][:140]!r}"
                )
        else:
            group = "ordinary" if entry.get("kind", "ordinary") == "ordinary" else "hard"
            count(f"3 high or above on {group}", read_as >= 2)
            count(f"4 concern or above on {group}", read_as >= 1)
            if read_as >= 2:
                misses.append(
                    f"  false alarm {risk['level']} {risk['category']} ({entry.get('kind')}): {entry['text'][:140]!r}"
                )
    yield f"misses and false alarms ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    for name in sorted(counts):
        yield share_line(name[2:], *counts[name])


def _places(entries: list[dict[str, Any]], parse: Parse, shown: int) -> Iterator[str]:
    misses = []
    for entry in entries:
        found = parse(entry["text"]).get("municipality")
        if found != entry["municipality"]:
            misses.append(f"  {entry['municipality']} read as {found}: {entry['text'][:120]!r}")
    yield f"misses ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    yield share_line("places", len(entries) - len(misses), len(entries))


def _conversations(entries: list[dict[str, Any]], parse: Parse, read: Read, shown: int) -> Iterator[str]:
    misses = []
    for entry in entries:
        level = classify_turns(entry["turns"], parse, read)["risk"]["level"]
        if level not in {entry["expected_max_level"], *entry.get("also_ok_levels", ())}:
            misses.append(f"  {entry['expected_max_level']} read as {level}: {entry['turns']!r}"[:300])
    yield f"misses ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    yield share_line("conversations", len(entries) - len(misses), len(entries))
