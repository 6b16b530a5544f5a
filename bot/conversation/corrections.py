"""Corrections: "nee ik bedoel mijn vader", "ik bedoelde alimentatie", "niet voor mij maar voor mijn zoon".

What is corrected is a topic, or a person; a bare "nee" is no correction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bot.language.persona import Persona, read_persona

LONGEST_WORDS = 14

_START = r"^\W*(?:(?:n+e+e+[nh]?|sorry|oeps|oh?|ho|wacht|eh|uh|maar|ja|jawel|hoi)[\s,.!…-]+)*"
_MEANT = r"(?:bedoel(?:de|te|d)?|bdoel(?:de)?)"
_OF_WHAT = r"(?:voor|over|om|van|bij|met|in|de|het|mijn|onze|mij|me|\w*(?:plan|regeling|alimentatie))"
_IT_IS = r"(?:(?:het|dit|dat|'?t) (?:gaat|ging|is) )?"
_CLEAR_FORMS = (
    rf"{_START}(?:(?:dat|wat|die|zo) (?=ik ))?(?:ik )?{_MEANT} (?!(?:je|jij|u|jullie)\b)"
    r"(?:(?:ik|eigenlijk|dus|meer|gewoon|met|over|is|was|niet \w+(?: \w+)? maar)[\s,]+)*(?P<rest>\S.*)",
    rf"{_START}(?P<rest>\S.*?),?\s+{_MEANT} ik(?: eigenlijk| dus)?\W*$",
    rf"{_START}(?:ik vroeg (?:naar|over|om)|mijn vraag (?:gaat|ging|was) over) (?P<rest>\S.*)",
    rf"{_START}{_IT_IS}niet {_OF_WHAT} (?:\w+ ){{0,3}}?maar (?:wel )?(?P<rest>\S.*)",
    rf"{_START}{_IT_IS}niet {_OF_WHAT}[^,]{{0,40}}, (?:maar )?(?:wel )?(?P<rest>(?:over|voor|om|van) .*)",
)
_AFTER_NO = (
    r"^\W*n+e+e+[nh]?\W+(?:(?:het|dit|dat|'?t) (?:gaat|ging|is) )(?:over |om |voor )(?P<rest>\S.*)",
    r"^\W*n+e+e+[nh]?\W+(?P<rest>(?:voor|over|in) \S.*)",
)
_OPENING_WORD = re.compile(r"^(?:dat (?:van|met)|over|om|naar|de|het) ", re.IGNORECASE)
_FORMS = [re.compile(form, re.IGNORECASE | re.DOTALL) for form in (*_CLEAR_FORMS, *_AFTER_NO)]
_BARE = re.compile(r"^\W*n+e+e+[nh]?\W+(?P<rest>\S.*)", re.IGNORECASE | re.DOTALL)

_WORDS_BESIDE_A_PERSON = (
    "voor over om van met bij naar dat die is het mijn m n mn me onze de een zijn hun je zelf dus dan"
)
_BESIDE_A_PERSON = frozenset(_WORDS_BESIDE_A_PERSON.split())
# Who is talking, and for whom help is then, by whom they name (`nlu_data/lookup/people/`).
_BY_PERSON = {
    "kind": (Persona("parent", True), "child"),
    "partner": (Persona("parent", True), "parent"),
    "client": (Persona("professional", True), "child"),
    "ouder": (Persona("teen", False), "parent"),
    "ander": (None, None),
}


@dataclass(frozen=True)
class Correction:
    """What somebody puts in the place of what was understood.

    Attributes:
        rest: the words that hold the correction, as typed.
        is_clear: said with "bedoel", "niet ... maar" or the like; otherwise only a few words after a "nee".
    """

    rest: str
    is_clear: bool


@dataclass(frozen=True)
class CorrectedPerson:
    """Another person than was understood: who is talking then (None when that does not show), and for whom help is."""

    talking: Persona | None
    help_for: str | None


def read_correction(text: str) -> Correction | None:
    """The correction in a text; None when it holds none."""
    if len(text.split()) > LONGEST_WORDS:
        return None
    for form in _FORMS:
        match = form.match(text)
        if match:
            return Correction(_trimmed(match.group("rest")), True)
    match = _BARE.match(text)
    return Correction(_trimmed(match.group("rest")), False) if match else None


def corrected_person(rest: str, people: list[dict[str, Any]]) -> CorrectedPerson | None:
    """The person that a correction names and nothing else: "mijn vader", "voor mijn zoon", "ik ben zijn moeder".

    Args:
        rest: the words of the correction.
        people: the people that the pipeline found in them, with `who`, `start` and `end`.
    """
    persona = read_persona(rest)
    if persona is not None and persona.certain:
        return CorrectedPerson(persona, None)
    beside = rest
    for person in sorted(people, key=lambda one: -int(one["start"])):
        beside = beside[: person["start"]] + " " + beside[person["end"] :]
    words = re.findall(r"\w+", beside.lower())
    if not people or not all(word in _BESIDE_A_PERSON or word.isdigit() for word in words):
        return None
    named = [person["who"] for person in people if person["who"] != "ander"] or ["ander"]
    return CorrectedPerson(*_BY_PERSON[named[0]])


def _trimmed(rest: str) -> str:
    return _OPENING_WORD.sub("", rest.strip(" .,!?"), count=1) or rest
