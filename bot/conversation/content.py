"""What the bot says, checked: readability per audience, and no number or address without a fact behind it.

Content editors run `wijzer content` (or `python -m bot.conversation.content FILE...`) on the files of
`config/domain/`. Limits are those of the project's readability rules.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.directory.facts import Fact, load_facts, read_yaml

CONFIG_DIRECTORY = Path(__file__).resolve().parents[2] / "config"
AUDIENCES = ("child", "teen", "parent", "professional", "unknown")
MAXIMUM_BUTTON_TITLE = 25


@dataclass(frozen=True)
class Limits:
    """Readability limits of one audience, counted in words and sentences."""

    mean_sentence: float
    longest_sentence: int
    sentences: int
    words: int


LIMITS = {
    "child": Limits(8, 12, 8, 60),
    "teen": Limits(12, 18, 8, 90),
    "parent": Limits(12, 15, 8, 90),
    "professional": Limits(12, 18, 8, 90),
    "unknown": Limits(12, 15, 8, 90),
}

NUMBER = re.compile(r"\d+(?:[.,:\-/]\d+)*")
WEBSITE = re.compile(r"\b(?:[\w-]+\.)+(?:nl|org|eu|com|net|be)\b", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|\n+")
# A line that holds only a name and a number or a site is an address, not a sentence.
ADDRESS_LINE = re.compile(r"^[^.!?]*(?:\d{3,}|\.(?:nl|org|eu|com)\b)[^.!?]*$|^112$")


@dataclass(frozen=True)
class Variation:
    """One text of a response: for one audience, or for everyone else (`audience` is None)."""

    path: Path
    response: str
    audience: str | None
    text: str
    facts: tuple[str, ...]
    buttons: tuple[dict[str, str], ...]

    @property
    def where(self) -> str:
        """File, response and audience, to name the place in a message."""
        return f"{self.path.name}: {self.response} ({self.audience or 'unknown'})"


def variations(paths: Iterable[Path]) -> Iterator[Variation]:
    """Every text of every response in the given domain files."""
    for path in paths:
        for response, entries in (read_yaml(path).get("responses") or {}).items():
            for entry in entries:
                yield _variation(path, response, entry)


def _variation(path: Path, response: str, entry: dict[str, Any]) -> Variation:
    audience = None
    for condition in entry.get("condition", []):
        if condition.get("name") == "audience":
            audience = str(condition["value"])
    metadata = entry.get("metadata") or {}
    return Variation(
        path=path,
        response=response,
        audience=audience,
        text=entry.get("text") or "",
        facts=tuple(metadata.get("facts") or ()),
        buttons=tuple(entry.get("buttons") or ()),
    )


def sentences(text: str) -> list[list[str]]:
    """The sentences of a reply as lists of words; lines with only a number or a site are not counted."""
    found = []
    for line in text.splitlines():
        line = re.sub(r"^\s*(?:[-•*]|\d+[.)])\s+", "", line.strip())
        if ADDRESS_LINE.match(line) and len(WORD.findall(line)) <= 6:
            continue
        for sentence in SENTENCE_END.split(line):
            words = WORD.findall(sentence)
            if words:
                found.append(words)
    return found


def readability_problems(variation: Variation) -> list[str]:
    """What a text does against the limits of its audience, one line each."""
    limits = LIMITS[variation.audience or "unknown"]
    found = sentences(variation.text)
    if not found:
        return ["no text"]
    total = sum(map(len, found))
    longest = max(found, key=len)
    problems = []
    if total / len(found) > limits.mean_sentence:
        problems.append(f"mean sentence {total / len(found):.1f} words, at most {limits.mean_sentence}")
    if len(longest) > limits.longest_sentence:
        problems.append(f"sentence of {len(longest)} words, at most {limits.longest_sentence}: {' '.join(longest)}")
    if len(found) > limits.sentences:
        problems.append(f"{len(found)} sentences, at most {limits.sentences}")
    if total > limits.words:
        problems.append(f"{total} words, at most {limits.words}")
    for button in variation.buttons:
        if len(button["title"]) > MAXIMUM_BUTTON_TITLE:
            problems.append(f"button title longer than {MAXIMUM_BUTTON_TITLE} characters: {button['title']}")
    return problems


def numbers_and_sites(text: str) -> set[str]:
    """Every number, phone number part and website in a text, in one comparable form."""
    sites = {site.lower().removeprefix("www.") for site in WEBSITE.findall(text)}
    return sites | set(NUMBER.findall(WEBSITE.sub(" ", text)))


def fact_problems(variation: Variation, facts: dict[str, Fact]) -> list[str]:
    """Cited facts that do not exist or are unconfirmed, and numbers or sites that no cited fact holds."""
    problems = []
    allowed: set[str] = set()
    for name in variation.facts:
        if name not in facts:
            problems.append(f"unknown fact {name}")
        elif not facts[name].confirmed:
            problems.append(f"fact {name} is unconfirmed and must not be stated")
        else:
            allowed |= numbers_and_sites(facts[name].text)
            allowed |= {site for site in WEBSITE.findall(facts[name].text.lower())}
    stated = numbers_and_sites(re.sub(r"(?m)^\s*\d+[.)]\s", "", variation.text))
    for item in sorted(stated - allowed):
        problems.append(f"{item} stands in no fact that the text cites")
    return problems


def missing_audiences(path: Path) -> list[str]:
    """Responses of a topic file that do not have a text for every audience."""
    problems = []
    found: dict[str, set[str]] = {}
    for variation in variations([path]):
        found.setdefault(variation.response, set()).add(variation.audience or "unknown")
    for response, audiences in found.items():
        missing = [audience for audience in AUDIENCES if audience not in audiences]
        if missing and "audience-free" not in path.read_text(encoding="utf-8")[:200]:
            problems.append(f"{path.name}: {response} has no text for {', '.join(missing)}")
    return problems


def check(paths: Iterable[Path]) -> list[str]:
    """All problems in the given domain files, one readable line each; empty when all is well."""
    facts = load_facts()
    problems = []
    for path in paths:
        problems += missing_audiences(path)
        for variation in variations([path]):
            for problem in readability_problems(variation) + fact_problems(variation, facts):
                problems.append(f"{variation.where}: {problem}")
    return problems


def content_files() -> list[Path]:
    """Every file that holds what the bot says."""
    return sorted([*(CONFIG_DIRECTORY / "domain").rglob("*.yml"), *(CONFIG_DIRECTORY / "texts").glob("*.yml")])


def main(arguments: list[str]) -> int:
    """Print the problems of the named files, or of all content; 0 when there are none."""
    paths = [Path(argument) for argument in arguments] or content_files()
    problems = check(paths)
    print("\n".join(problems) or f"{len(paths)} files: no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
