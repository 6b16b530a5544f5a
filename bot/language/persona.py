"""Who is talking, read from what they say: a child, a teen, a parent or a professional.

What a person says of themselves ("ik ben 9", "ik ben zijn moeder") is certain; what merely shows ("mijn ex", "papa en mama")
is a guess, which never replaces something certain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.language.spelling import normalize

OLDEST_CHILD = 11
OLDEST_TEEN = 17


@dataclass(frozen=True)
class Persona:
    """Who seems to be talking. `audience`: child, teen, parent or professional; `certain` when they said so themselves."""

    audience: str
    certain: bool


_AGE = re.compile(
    r"\b(?:ik ben|ik word|ik wordt|ben|ik)(?: nu| pas| al| net| bijna| ook)* (\d{1,2})(?: jaar| jr| j)?\b(?! (?:keer|uur|dagen|weken|maanden))"
)
_BARE_AGE = re.compile(r"^(?:bijna |net |pas )?(\d{1,2})(?: jaar| jr)?(?: oud)?$")
_GROUP = re.compile(r"\bik zit(?: nu)? in groep ([3-8])\b|^groep ([3-8])$")
_CLASS = re.compile(
    r"\bik zit(?: nu)? in (?:de )?(?:brugklas|klas [1-6]|[1-6](?:e|de) (?:klas )?(?:vmbo|mavo|havo|vwo)?|de? [1-6]e)|\b(?:ik|k) (?:zit|doe) (?:op |in )?(?:het |de )?(?:vmbo|mavo|havo|vwo|gymnasium|brugklas)"
)
_PARENT = re.compile(
    r"\bik ben (?:de |een |hun |zijn |haar |alleenstaande |gescheiden )*(?:moeder|vader|ouder|papa van|mama van|stiefmoeder|stiefvader|oma|opa|grootouder|pleegmoeder|pleegvader)\b"
    r"|\bals (?:gescheiden |alleenstaande )?(?:moeder|vader|ouder)(?: van)?\b|^(?:moeder|vader|ouder|oma|opa)$|\b(?:moeder|vader) van (?:\d|twee|drie|een|vier)\b"
)
_PROFESSIONAL = re.compile(
    r"\bik ben (?:de |een |haar |zijn |hun )*(?:juf|meester|leerkracht|leraar|lerares|docent|mentor|ib er|intern begeleider|hulpverlener|jeugdwerker|"
    r"jeugdbeschermer|gezinsvoogd|voogd|huisarts|jeugdarts|arts|advocaat|mediator|maatschappelijk werker|wijkcoach|psycholoog|orthopedagoog|"
    r"pedagogisch medewerker|politieagent|wijkagent|schoolmaatschappelijk werker|coach|verpleegkundige|begeleider|professional)\b"
    r"|\b(?:vanuit|binnen) (?:ons|mijn|het) (?:wijkteam|team|school)|\b(?:leerling|client|clienten|jeugdige|casus|caseload)\b.*\b(?:bij ons|ouders|systeem|traject|gezin)\b"
    r"|^(?:leerkracht|juf|meester|hulpverlener|mentor|professional)$"
)
_SHOWS_PARENT = re.compile(
    r"\bmijn (?:ex|ex man|ex vrouw|exman|exvrouw|ex-man|ex-vrouw|man|vrouw|kind|kinderen|zoon|dochter|zoontje|dochtertje|jongens|meisjes|kids|kleinkind|kleinkinderen|puber|oudste|jongste)\b"
    r"|\bonze (?:kinderen|zoon|dochter|jongste|oudste)\b|\bde kinderen\b|\bik (?:ga|wil|wilde) (?:van (?:hem|haar|mijn man|mijn vrouw) )?(?:echt)?scheiden\b|\bwij gaan (?:uit elkaar|scheiden)\b"
)
_SHOWS_CHILD = re.compile(r"\b(?:papa|mama|de juf|me juf|mijn juf|mijn meester|knuffel|groep [3-8])\b")
_SHOWS_TEEN = re.compile(
    r"\bmijn (?:ouders|vader|moeder|pa|ma|stiefvader|stiefmoeder|stiefpa|mentor)\b|\b(?:me|ons) (?:ouders|vader|moeder|pa|ma)\b"
)


def age_of(text: str) -> int | None:
    """The age that a person gives as their own, in years; None when they give none between 4 and 99."""
    plain = normalize(text)
    match = _AGE.search(plain) or _BARE_AGE.match(plain.strip(" .!?"))
    if match and 4 <= int(match.group(1)) <= 99:
        return int(match.group(1))
    group = _GROUP.search(plain)
    if group:
        return int(group.group(1) or group.group(2)) + 4
    if _CLASS.search(plain):
        return OLDEST_CHILD + 2
    return None


def read_persona(text: str) -> Persona | None:
    """Who seems to be talking in this message; None when it does not show."""
    plain = normalize(text)
    if _PROFESSIONAL.search(plain):
        return Persona("professional", True)
    if _PARENT.search(plain):
        return Persona("parent", True)
    age = age_of(text)
    if age is not None:
        return Persona("child" if age <= OLDEST_CHILD else "teen" if age <= OLDEST_TEEN else "parent", True)
    if _SHOWS_PARENT.search(plain):
        return Persona("parent", False)
    if _SHOWS_CHILD.search(plain):
        return Persona("child", False)
    if _SHOWS_TEEN.search(plain):
        return Persona("teen", False)
    return None
