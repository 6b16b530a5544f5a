"""The training examples and the test split, read from `nlu_data/` with their register."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

NLU_DIRECTORY = Path(__file__).resolve().parents[2] / "nlu_data"


@dataclass(frozen=True)
class Example:
    """One message with the intent that it belongs to, and the register that it is written in."""

    text: str
    intent: str
    register: str


def training_examples(directory: Path = NLU_DIRECTORY) -> Iterator[Example]:
    """All examples of Rasa's YAML files, in the files' order."""
    for path in [*sorted(directory.glob("*.yml")), *sorted((directory / "topics").glob("*.yml"))]:
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("nlu") or ():
            if "intent" not in block:
                continue
            register = (block.get("metadata") or {}).get("register", "unknown")
            for line in block["examples"].splitlines():
                text = line.strip().removeprefix("-").strip()
                if text:
                    yield Example(text, block["intent"], register)


def read_json_lines(path: Path) -> list[dict[str, object]]:
    """The objects of a JSON-lines file; raises ValueError with file and line where one is broken."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return found
