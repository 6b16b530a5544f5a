"""`wijzer evaluate`: figures with 95% intervals, misses first, on a JSON-lines file."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bot.classification import classify_text, classify_turns
from bot.language.encoder import EncodingCache, sentence_encoder
from bot.language.examples import read_json_lines, training_examples
from bot.language.spelling import normalize
from bot.risk.reading import RiskReading, severity

Parse = Callable[[str], "dict[str, Any]"]
Read = Callable[[str], RiskReading]
# From which likeness (0-100) on two examples are near-duplicates.
NEAR_DUPLICATE = 92


def evaluate(kind: str, file: Path, parse: Parse, read: Read, shown: int) -> Iterator[str]:
    """The lines to print for one file.

    Args:
        kind: `nlu`, `risk`, `places`, `conversations` or `functions`.
        file: JSON lines in the form that `nlu_data/test/` has; for `functions` YAML as `tests/functions/` has.
        parse: the pipeline.
        read: the risk reader, for conversations.
        shown: how many misses to list.

    Raises:
        ValueError: a line is broken or lacks a field.
    """
    if kind == "functions":
        yield from _functions(read_functions(file), parse, read, shown)
        return
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


class IntentTally:
    """Counts how rankings of intents compare with what is right: per audience, and how far confidence can be trusted."""

    def __init__(self) -> None:
        # Per group: right at once, right among three, all.
        self.groups: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._bins: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(self, entry: dict[str, Any], names: list[str], confidence: float) -> bool:
        """Count one message; whether the first name is right.

        Args:
            entry: a line of the test split.
            names: the intents, the likeliest first.
            confidence: that of the first (0-1).
        """
        right = {entry["intent"], *entry.get("also_ok", ())}
        hit = names[0] in right
        for group in ("all", entry.get("audience", "unknown")):
            self.groups[group][0] += hit
            self.groups[group][1] += bool(right & set(names[:3]))
            self.groups[group][2] += 1
        one_bin = self._bins[min(int(confidence * 10), 9)]
        one_bin[0] += confidence
        one_bin[1] += hit
        return hit

    def calibration_error(self) -> float:
        """The expected calibration error over ten bins (0-1)."""
        return sum(abs(sure - hits) for sure, hits in self._bins.values()) / max(self.groups["all"][2], 1)


def _intents(entries: list[dict[str, Any]], parse: Parse, shown: int) -> Iterator[str]:
    tally = IntentTally()
    misses = []
    for entry in entries:
        result = classify_text(entry["text"], parse)
        names = [one["name"] for one in result["ranking"]]
        confidence = result["intent"]["confidence"]
        if not tally.add(entry, names, confidence):
            misses.append(f"  {entry['intent']} read as {names[0]} ({confidence:.2f}): {entry['text'][:120]!r}")
    yield f"misses ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    for group in sorted(tally.groups, key=lambda name: (name != "all", name)):
        first, third, total = tally.groups[group]
        yield share_line(f"top-1 {group}", first, total)
        yield share_line(f"top-3 {group}", third, total)
    yield f"{'expected calibration error':38} {tally.calibration_error():6.1%}"


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


@dataclass(frozen=True)
class FunctionCase:
    """One case of a functional test of the risk reader.

    Attributes:
        function: the behaviour that is tested, such as `direct_suicide`.
        turns: the person's messages.
        least, most: the lowest and the highest level that is right after the last of them.
        categories: those that are right; empty where any is.
    """

    function: str
    turns: tuple[str, ...]
    least: str
    most: str
    categories: frozenset[str]


def read_functions(file: Path) -> list[FunctionCase]:
    """The cases of a table of functions; raises ValueError when the file is not one."""
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected a mapping of functions")
    cases = []
    for function, entry in content.items():
        for case in entry["cases"]:
            if not {"least", "most"} & set(case):
                raise ValueError(f"{file}: a case of {function} names neither `least` nor `most`")
            named = case.get("category") or []
            cases.append(
                FunctionCase(
                    function,
                    tuple(case.get("turns") or [case["text"]]),
                    case.get("least", "none"),
                    case.get("most", "acute"),
                    frozenset([named] if isinstance(named, str) else named),
                )
            )
    return cases


def function_level(case: FunctionCase, parse: Parse, read: Read) -> tuple[str, str | None]:
    """The level and category that a case is read with."""
    if len(case.turns) == 1:
        risk = classify_text(case.turns[0], parse)["risk"]
    else:
        risk = classify_turns(list(case.turns), parse, read)["risk"]
    return risk["level"], risk["category"]


def is_right(case: FunctionCase, level: str) -> bool:
    """Whether the level lies between the bounds of the case."""
    return severity(case.least) <= severity(level) <= severity(case.most)


def _functions(cases: list[FunctionCase], parse: Parse, read: Read, shown: int) -> Iterator[str]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    categories: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    misses = []
    for case in cases:
        level, category = function_level(case, parse, read)
        right = is_right(case, level)
        for name in (case.function, "all functions", *(["direct disclosures"] if _is_direct(case) else [])):
            counts[name][0] += right
            counts[name][1] += 1
        if case.categories and severity(level) >= severity("high"):
            name = " or ".join(sorted(case.categories))
            categories[name][0] += category in case.categories
            categories[name][1] += 1
        if not right:
            bound = f"at least {case.least}" if case.most == "acute" else f"at most {case.most}"
            misses.append(f"  {case.function}: {bound}, read as {level} {category}: {' | '.join(case.turns)[:140]!r}")
    yield f"misses ({len(misses)}, {min(shown, len(misses))} shown):"
    yield from misses[:shown]
    for name in sorted(counts, key=lambda one: (one in ("all functions", "direct disclosures"), one)):
        yield share_line(name, *counts[name])
    yield "category named right, of those found:"
    for name in sorted(categories):
        if categories[name][1] >= 8:
            yield share_line(f"  {name}", *categories[name])


def _is_direct(case: FunctionCase) -> bool:
    return case.function.startswith("direct_")


def evaluate_data(shown: int) -> Iterator[str]:
    """What is to be looked at in the training data: near-duplicates, examples that lie nearer to another intent's centre,
    and how many examples each intent has in each register.
    """
    from rapidfuzz import fuzz, process

    examples = list(training_examples())
    texts = [normalize(one.text) for one in examples]
    vectors = sentence_encoder().encode_many(texts, EncodingCache())
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    names = sorted({one.intent for one in examples})
    place = np.array([names.index(one.intent) for one in examples])
    centres = np.vstack([vectors[place == number].mean(axis=0) for number in range(len(names))])
    similar = vectors @ centres.T
    nearest = similar.argmax(axis=1)
    strays = np.flatnonzero(nearest != place)
    margin = similar[strays, nearest[strays]] - similar[strays, place[strays]]
    yield f"examples nearer to another intent's centre ({len(strays)} of {len(examples)}), the furthest first:"
    for number in strays[np.argsort(-margin)][:shown]:
        yield f"  {names[place[number]]} lies with {names[nearest[number]]}: {examples[number].text[:110]!r}"
    pairs = []
    for number, name in enumerate(names):
        own = [text for text, intent in zip(texts, place) if intent == number and len(text) >= 25]
        scores = np.triu(process.cdist(own, own, scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE, dtype=np.uint8), 1)
        pairs += [f"  {name}: {own[row][:70]!r} ~ {own[column][:70]!r}" for row, column in zip(*scores.nonzero())]
    yield f"near-duplicates within an intent ({len(pairs)}):"
    yield from pairs[:shown]
    registers = sorted({one.register for one in examples})
    counted = Counter((one.intent, one.register) for one in examples)
    yield f"{'examples a register':28}" + "".join(f"{register[:9]:>10}" for register in [*registers, "all"])
    for name in names:
        row = [counted[name, register] for register in registers]
        yield f"{name:28}" + "".join(f"{number:>10}" for number in [*row, sum(row)])
