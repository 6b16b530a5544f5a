"""What the encoder is trained on: the intent examples and the risk data, the latter without an intent."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.language.encoder import text_key
from bot.language.examples import NLU_DIRECTORY, read_json_lines, training_examples

HELD_OUT = 6
LEVELS = ("none", "concern", "high", "acute")
_LETTERS = re.compile(r"^[a-z]{4,}$")
# Left out, they would turn a message with a harmless negation into one with danger.
_NEGATIONS = frozenset({"niet", "geen", "nooit", "niks", "niets", "niemand", "zonder", "not", "no", "never"})


@dataclass(frozen=True)
class Labelled:
    """One message. `intent` or `category` is None where the data does not say it; `level` is 0 (none) to 3 (acute)."""

    text: str
    intent: str | None
    level: int
    category: str | None


def training_data(directory: Path = NLU_DIRECTORY) -> list[Labelled]:
    """All messages that may be trained on; nothing from `nlu_data/test/`."""
    examples = []
    for path in sorted((directory / "risk").glob("*.jsonl")):
        for entry in read_json_lines(path):
            level = str(entry.get("level") or "none")
            category = str(entry["category"]) if level != "none" else None
            examples.append(Labelled(str(entry["text"]), None, LEVELS.index(level), category))
    risky = {example.text for example in examples if example.level}
    examples += [
        Labelled(one.text, one.intent, 0, None) for one in training_examples(directory) if one.text not in risky
    ]
    return examples


def test_data(directory: Path = NLU_DIRECTORY) -> tuple[list[dict[str, object]], list[Labelled]]:
    """The test split: intent entries as they are, and risk messages."""
    intents = [
        entry for path in sorted((directory / "test").glob("intents_*.jsonl")) for entry in read_json_lines(path)
    ]
    risks = [
        Labelled(
            str(entry["text"]),
            None,
            LEVELS.index(str(entry.get("level") or "none")),
            str(entry["kind"]) if "kind" in entry else str(entry["category"]),
        )
        for path in sorted((directory / "test").glob("risk_*.jsonl"))
        for entry in read_json_lines(path)
    ]
    return intents, risks


def without_held_out(examples: Sequence[Labelled], trained_before: NDArray[np.uint64]) -> list[Labelled]:
    """The examples to train on. A sixth of those that the encoder has never seen stays out: on them is learned how its heads
    and the models on letters are added up.

    Args:
        examples: all that may be trained on.
        trained_before: the `text_key` of each text that the encoder was trained on before.
    """
    seen = set(trained_before.tolist())
    return [one for one in examples if (key := text_key(one.text)) in seen or key % HELD_OUT]


def content_hash(examples: Sequence[Labelled]) -> str:
    """Hash of the training data (16 hexadecimal characters)."""
    return hashlib.sha256("\n".join(sorted(map(repr, examples))).encode()).hexdigest()[:16]


def roughened(text: str, generator: random.Random) -> str:
    """A normalised text with now and then a word left out or a slip of the keyboard, so that no single word decides."""
    words = text.split()
    if len(words) < 4:
        return text
    result = []
    for word in words:
        chance = generator.random()
        if chance < 0.04 and word not in _NEGATIONS:
            continue
        if chance < 0.08 and _LETTERS.match(word):
            at = generator.randrange(len(word) - 1)
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :] if chance < 0.06 else word[:at] + word[at + 1 :]
        result.append(word)
    return " ".join(result)
