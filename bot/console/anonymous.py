"""A text without what points at a person, as far as a program can see: a first pass for the colleague who reads it.

Attention: it misses things. A name without a capital, a nickname, a school, an event that the whole village knows: only a
person sees those. Nothing goes on from here that nobody has read.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator

from bot.language.examples import training_examples
from bot.language.pipeline import PipelineError, load_pipeline
from bot.language.places import PlaceReader
from bot.settings import load_settings

NAME, PLACE, ADDRESS, POSTCODE = "[naam]", "[plaats]", "[adres]", "[postcode]"
PHONE, NUMBER, EMAIL, WEBSITE = "[telefoon]", "[nummer]", "[e-mail]", "[website]"
DATE, AGE = "[datum]", "[leeftijd]"
# How often a word stands without a capital in the examples before a capital alone no longer makes it a name.
ORDINARY_TIMES = 10

_Found = tuple[int, int, str]

_MONTHS = (
    r"januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december|"
    r"jan|feb|mrt|apr|jun|jul|aug|sept?|okt|nov|dec"
)
_NUMBER_WORDS = (
    r"een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|dertien|veertien|vijftien|zestien|zeventien|achttien|"
    r"negentien|twintig"
)
_STREETS = r"straat|laan|weg|plein|hof|singel|gracht|kade|dreef|pad|dijk|steeg|plantsoen"
# What cannot be anything else than a way to find somebody: also looked for in what the colleague made of the text.
_CERTAIN = (
    (EMAIL, re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")),
    (
        WEBSITE,
        re.compile(
            r"(?:https?://|www\.)\S+|(?<![\w@.\-])[\w\-]+\.(?:nl|com|be|org|net|eu|me)\b(?:/\S*)?", re.IGNORECASE
        ),
    ),
    (NUMBER, re.compile(r"\b[A-Z]{2}\d{2} ?[A-Z]{4}(?: ?\d){10}\b", re.IGNORECASE)),
    # The numbers of helplines (0800, 0900, 112, 113) are everybody's.
    (PHONE, re.compile(r"(?<![\d\w])(?!0[89]00)(?:\+|00|0)(?:[ .()\-]?\d){8,13}(?!\d)")),
    (POSTCODE, re.compile(r"(?<!\d)[1-9]\d{3} ?(?!(?:IN|OP|EN|OF|IS)\b)[A-Z]{2}(?![A-Za-z])")),
    (NUMBER, re.compile(r"(?<![\d\w])(?!0[89]00)\d(?:[ .\-]?\d){5,}(?!\d)")),
)
_ADDRESS = re.compile(
    rf"\b(?:[A-Z][\w'’\-]+ (?:van (?:de|den|der) )?){{0,3}}(?!onderweg)[\w'’\-]{{3,}}(?i:{_STREETS}) (?:nr\.? ?)?\d{{1,4}}"
    r"(?:[ \-]?[a-zA-Z]\b)?(?! ?(?:uur|dagen|weken|jaar|keer))"
)
_STREET_NAME = re.compile(rf"\b[A-Z][\w'’\-]{{2,}}(?:{_STREETS})\b")
_DATE = re.compile(
    r"\b\d{1,2}[-/]\d{1,2}(?:[-/]\d{2,4})?\b|\b\d{1,2}\.\d{1,2}\.\d{2,4}\b"
    rf"|\b(?:[0-3]?\d(?:e|ste|de)? )(?:{_MONTHS})\b(?: (?:19|20)\d\d)?"
    rf"|\b(?:{_MONTHS}) (?:19|20)\d\d\b|(?<![\d\-])\b(?:19[3-9]|20[0-4])\d\b",
    re.IGNORECASE,
)
_AGE = (
    re.compile(rf"\b(?:\d{{1,2}}|{_NUMBER_WORDS})(?=[ \-]?(?:jaar|jarige?|jr)\b)", re.IGNORECASE),
    re.compile(
        r"\b(?:ben|is|was|werd|word|wordt|zijn|im|i'm|am)(?: (?:nu|nog|pas|net|al|bijna|maar|echt))* (\d{1,2})"
        r"(?=\s*(?:$|[.,!?;)]|(?:en|maar|want|dus|hij|ze|ik|and|but)\b))",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:zoon(?:tje)?|dochter(?:tje)?|kind(?:eren|je)?|meisje|jongen|broer(?:tje)?|zus(?:je)?|baby)(?: van| \()? ?"
        r"(\d{1,2}(?: en \d{1,2})?)\b",
        re.IGNORECASE,
    ),
)
_HANDLE = re.compile(
    r"(?<![\w.])@[\w.]{2,}|\b(?:insta(?:gram)?|snap(?:chat)?|tiktok|discord|roblox|username|gebruikersnaam)\b"
    r"(?: ?(?:naam|account))? ?(?:is|:|=) ?([\w.]{3,})",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_BETWEEN_NAMES = re.compile(r" (?:(?:van|de|den|der|ter|ten|el|al|ben|bin|von|'t) ){0,3}")
# A name follows, with a capital or without.
_NAMED = re.compile(
    r"\b(?:heet|heten|genaamd|noemen (?:me|mij)|(?:mijn|me|zijn|haar|de) naam is|naam is) $", re.IGNORECASE
)
_RELATION = re.compile(
    r"\b(?:juf|meester|meneer|mevrouw|mevr\.?|dhr\.?|dokter|oom|tante|opa|oma|broer(?:tje)?|zus(?:je)?|vriend(?:je|in)?|neef|"
    r"nicht|stiefvader|stiefmoeder|ex|collega|begeleider|mentor|coach) $",
    re.IGNORECASE,
)
# Capitals that name nobody.
_NOBODY = {
    "wijzer", "veilig", "thuis", "kindertelefoon", "raad", "kinderbescherming", "jeugdzorg", "jeugdbescherming",
    "cjg", "ggz", "ggd", "wijkteam", "nederland", "nederlands", "nederlandse", "nederlander", "turks", "turkse",
    "marokkaans", "marokkaanse", "pools", "poolse", "arabisch", "engels", "duits", "frans", "syrisch", "syrische",
    "oekraïens", "oekraïense", "vlaams", "belgisch", "whatsapp", "instagram", "telegram", "snapchat", "tiktok",
    "facebook", "discord", "youtube", "roblox", "fortnite", "minecraft", "playstation", "google", "kerst", "pasen",
    "sinterklaas", "kerstmis", "ramadan", "suikerfeest", "god", "allah", "papa", "mama", "pap", "mam", "pappa",
    "mamma", "opa", "oma", "baba", "i", "i'm",
}  # fmt: skip


def anonymous(text: str) -> str:
    """The text with a Dutch word in brackets for each name, place, address, phone number, e-mail address, date and age found.

    Args:
        text: as typed.
    """
    pieces = []
    position = 0
    for start, end, mark in _without_overlap(text):
        pieces += [text[position:start], mark]
        position = end
    return "".join([*pieces, text[position:]])


def left_over(text: str) -> list[str]:
    """What still finds somebody without any doubt (an e-mail address, a phone number, a postcode), as it stands in the text."""
    found = [match for _, pattern in _CERTAIN for match in pattern.finditer(text)]
    return list(dict.fromkeys(match.group().strip() for match in sorted(found, key=lambda match: match.start())))


def _without_overlap(text: str) -> list[_Found]:
    """What was found, in order; of two that overlap the one that was looked for first."""
    chosen: list[_Found] = []
    taken = bytearray(len(text))
    for find in (_certain, _addresses, _handles, _dates, _ages, _places, _names):
        for start, end, mark in find(text):
            if start < end and not any(taken[start:end]):
                chosen.append((start, end, mark))
                taken[start:end] = b"\1" * (end - start)
    return sorted(chosen)


def _certain(text: str) -> Iterator[_Found]:
    for mark, pattern in _CERTAIN:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), mark


def _addresses(text: str) -> Iterator[_Found]:
    for pattern in (_ADDRESS, _STREET_NAME):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), ADDRESS


def _handles(text: str) -> Iterator[_Found]:
    for match in _HANDLE.finditer(text):
        yield *match.span(1 if match.group(1) else 0), NAME


def _dates(text: str) -> Iterator[_Found]:
    for match in _DATE.finditer(text):
        yield match.start(), match.end(), DATE


def _ages(text: str) -> Iterator[_Found]:
    for pattern in _AGE:
        for match in pattern.finditer(text):
            yield *match.span(pattern.groups), AGE


def _places(text: str) -> Iterator[_Found]:
    # Of "5701 AB Helmond" the reader keeps one place, so it reads again without what it found.
    masked = text
    while mentions := _place_reader().read(masked).mentions:
        for one in mentions:
            yield one.start, one.end, PLACE
            masked = masked[: one.start] + "0" * (one.end - one.start) + masked[one.end :]


def _names(text: str) -> Iterator[_Found]:
    found = [match.span() for match in _WORD.finditer(text) if _is_name(text, match)]
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and _BETWEEN_NAMES.fullmatch(text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    for start, end in joined:
        yield start, end, NAME


def _is_name(text: str, match: re.Match[str]) -> bool:
    word, before = match.group(), text[: match.start()]
    plain = word.lower()
    if plain in _NOBODY or plain in _ordinary_words():
        return False
    if _NAMED.search(before):
        return True
    if _RELATION.search(before) and plain not in _word_forms():
        return True
    # A word in capitals is shouted, or short for an organisation.
    return word[0].isupper() and not (len(word) > 1 and word.isupper())


@functools.lru_cache(maxsize=1)
def _place_reader() -> PlaceReader:
    return PlaceReader()


@functools.lru_cache(maxsize=1)
def _ordinary_words() -> frozenset[str]:
    """Words that people type often without a capital: at the start of a sentence they are no names."""
    counts = Counter(word for one in training_examples() for word in _WORD.findall(one.text) if word.islower())
    return frozenset(word for word, times in counts.items() if times >= ORDINARY_TIMES)


@functools.lru_cache(maxsize=1)
def _word_forms() -> frozenset[str]:
    """The forms of Dutch words that the pipeline knows; some are names as well."""
    try:
        forms = load_pipeline(load_settings().spacy_model).get_pipe("chat_lemmas").lemmas
    except PipelineError:
        # Not built yet: more words are then taken for a name, and the colleague puts them back.
        return frozenset()
    return frozenset(forms)
