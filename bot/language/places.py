"""In which municipality somebody lives: names of municipalities, villages and districts, postcodes, and misspelled ones.

The names lie in `config/directory/`. A name that is also an ordinary word counts only where it is clearly a place. Two places:
the one where they live. Outside the Netherlands, or in doubt: no municipality.
"""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.language.examples import training_examples
from bot.language.pipeline import PipelineError, load_pipeline
from bot.language.spelling import clean
from bot.settings import load_settings

DIRECTORY = Path(__file__).resolve().parents[2] / "config" / "directory"
LONGEST_NAME_WORDS = 5
READ_CHARACTERS = 4_000
# How many letters may be wrong, by the length of the name.
SHORT_NAME, LONG_NAME = 5, 9

_WORD = re.compile(r"['’]?[^\W_]+(?:['’.\-][^\W_]+)*", re.UNICODE)
_BEFORE_PLACE = frozenset(
    [
        "in",
        "uit",
        "bij",
        "te",
        "naar",
        "omgeving",
        "regio",
        "gemeente",
        "woon",
        "woont",
        "wonen",
        "gewoond",
        "vanuit",
        "nabij",
        "buurt",
        "rond",
        "rondom",
        "tot",
        "richting",
        "plaats",
        "dorp",
        "stad",
        "van",
    ]
)
_STRONG_BEFORE = _BEFORE_PLACE - frozenset({"van", "bij", "naar", "tot", "te", "uit", "in"})
_NEVER_FIRST = _BEFORE_PLACE | {"de", "het", "een", "en", "of", "ik", "we"}
_WEAK_WORDS_BETWEEN = frozenset(
    ["de", "het", "in", "omgeving", "buurt", "van", "regio", "gemeente", "dorpje", "plaatsje"]
)
_POSTCODE = re.compile(r"(?<![\d.,€])([1-9]\d{3})(?: ?([A-Za-z]{2})(?![A-Za-z]))?(?![\d.,]*\d)")
_NOT_LETTERS = frozenset(
    ["is", "en", "op", "in", "of", "de", "ik", "ze", "we", "je", "me", "te", "er", "al", "nu", "en", "ja"]
)
_AMOUNT_AFTER = re.compile(
    r"^\s*(?:euro|eur|€|bruto|netto|keer|km|kilometer|meter|gram|dagen|uur|mensen|kinderen|per)\b", re.IGNORECASE
)
_AMOUNT_BEFORE = re.compile(
    r"(?:€|euro|salaris|verdien\w*|sinds|jaar|vanaf|tussen|in het jaar|(?<!post)code|nummer)(?: \w+)? ?$", re.IGNORECASE
)
_POSTCODE_BEFORE = re.compile(r"(?:postcode|postcodegebied|woon|woont|wonen)\b[^.?!]*$", re.IGNORECASE)
_HOME = re.compile(
    r"\b(?:ik|wij|we|k|mijn (?:moeder|vader|ouders) en ik|ons gezin)\b[^.?!]{0,25}\b(?:woon|wonen|zit|zitten|kom|komen|leef|leven|verblijf\w*)\b[^.?!]{0,25}?\b(?:in|uit|bij|te)\b[^.?!]{0,15}$"
    r"|\b(?:woon|wonen|woonachtig|woonplaats)\b(?: \w+){0,4}? (?:in|te|bij|uit)?[^.?!]{0,12}$"
    r"|\bwoonplaats\W{0,3}$|\b(?:wij|we|ik) (?:zitten|zit|zijn|ben) (?:nu |hier |tijdelijk )*(?:in|bij)\b[^.?!]{0,25}$",
    re.IGNORECASE,
)
_MOVED_TO = re.compile(r"\bnaar\W+(?:\w+\W+){0,2}$", re.IGNORECASE)
_MOVED = re.compile(r"\bverhui\w+|\bgegaan\b|\bterug\b", re.IGNORECASE)
_WANTED = re.compile(
    r"\b(?:hulp|iets|zoiets|iemand|spreekuur|praktijk|groep|loket|bureau|mediator|advocaat|omgangshuis|cjg|wijkteam)\b[^.?!]{0,40}\b(?:in|bij|rond|omgeving)\W+(?:\w+\W+){0,1}$",
    re.IGNORECASE,
)
_OTHERS_HOME = re.compile(
    r"\b(?:vader|papa|pa|moeder|mama|ma|ex|opa|oma|vriend\w*|tante|oom|hij|zij|ze|broer|zus)\b[^.?!,]{0,30}\b(?:woont|wonen|zit|werkt|verhuis\w+)\b[^.?!]{0,20}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """One place in a text.

    Attributes:
        start, end: code points of the text as given.
        name: as in the directory.
        municipalities: CBS names that it may mean; empty for a place abroad.
        certain: spelled as in the directory.
    """

    start: int
    end: int
    name: str
    municipalities: tuple[str, ...]
    certain: bool = True


@dataclass(frozen=True)
class PlaceReading:
    """What a text says about where somebody lives.

    Attributes:
        municipality: its CBS name; None when none is named, in doubt, or abroad.
        mentions: all places named.
        candidates: municipalities to choose from when a name fits several.
        foreign: the place abroad, when that is what was named.
    """

    municipality: str | None = None
    mentions: tuple[Mention, ...] = ()
    candidates: tuple[str, ...] = ()
    foreign: str | None = None


def fold(name: str) -> str:
    """A name in comparable form: lower case, without accents, hyphens and apostrophes."""
    plain = unicodedata.normalize("NFKD", name.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"['’`.()]", "", plain.replace("-", " "))
    return re.sub(r"\s+", " ", plain).strip()


def is_home(text: str) -> bool:
    """Whether a text says where its writer lives ("ik woon in ...")."""
    return (
        re.search(
            r"\b(?:ik|wij|we|k)\b[^.?!]{0,15}\b(?:woon|wonen|kom|komen) (?:\w+ ){0,2}(?:in|uit|bij)\b",
            clean(text).lower(),
        )
        is not None
    )


class PlaceReader:
    """Finds places. Reads the directory's files once a process."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._names, self._foreign, self._common, self._ranges = _load(directory)
        self._fuzzy_names = [name for name in self._names if len(name) >= SHORT_NAME and name not in self._common]

    def read(self, text: str) -> PlaceReading:
        """What a text says about where its writer lives."""
        text = clean(text[:READ_CHARACTERS]).replace("\u2063", " ")
        mentions = sorted([*self._named(text), *self._postcodes(text)], key=lambda mention: mention.start)
        return _decide(text, mentions)

    def _named(self, text: str) -> Iterator[Mention]:
        words = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
        position = 0
        while position < len(words):
            found = self._longest_at(text, words, position)
            if found is None:
                position += 1
                continue
            mention, length = found
            yield mention
            position += length

    def _longest_at(self, text: str, words: list[tuple[int, int, str]], position: int) -> tuple[Mention, int] | None:
        for length in range(min(LONGEST_NAME_WORDS, len(words) - position), 0, -1):
            start, end = words[position][0], words[position + length - 1][1]
            name = fold(text[start:end])
            if name in self._names or name in self._foreign:
                doubtful = name in self._common or (self._is_small(name) and _in_passing(text, words, position, length))
                if doubtful and not _is_place_here(text, words, position, length):
                    continue
                return self._mention(name, start, end, True), length
        return self._misspelled(text, words, position)

    def _is_small(self, name: str) -> bool:
        """Whether a name is one of a village or district, which may well be a word that is not on the list of words."""
        shown, municipalities = self._names.get(name, (name, ()))
        return municipalities != (shown,)

    def _mention(self, name: str, start: int, end: int, certain: bool) -> Mention:
        shown, municipalities = self._names.get(name, (name, ()))
        if name in self._foreign and name not in self._names:
            return Mention(start, end, self._foreign[name], ())
        return Mention(start, end, shown, municipalities, certain)

    def _misspelled(self, text: str, words: list[tuple[int, int, str]], position: int) -> tuple[Mention, int] | None:
        if words[position][2].lower() in _NEVER_FIRST or not _may_be_misspelled(words, position):
            return None
        for length in (2, 1):
            if position + length > len(words):
                continue
            start, end = words[position][0], words[position + length - 1][1]
            name = fold(text[start:end])
            if len(name) < SHORT_NAME - 1 or name in self._names:
                continue
            if all(word[2].lower() in _ordinary_words() for word in words[position : position + length]):
                continue
            if length == 2 and len(words) > 2 and words[position + 1][2].lower() in _ordinary_words():
                continue
            found = process.extractOne(name, self._fuzzy_names, scorer=OSA.distance, score_cutoff=2)
            if found is None:
                continue
            best, distance, _ = found
            if distance <= (2 if min(len(best), len(name)) >= LONG_NAME else 1):
                return self._mention(best, start, end, False), length
        return None

    def _postcodes(self, text: str) -> Iterator[Mention]:
        alone = re.fullmatch(r"\W*(?:postcode\W*)?[1-9]\d{3} ?(?:[A-Za-z]{2})?\W*", text, re.IGNORECASE) is not None
        for match in _POSTCODE.finditer(text):
            before, after = text[: match.start()], text[match.end() :]
            letters = match.group(2)
            if letters and letters.lower() in _NOT_LETTERS and not letters.isupper():
                letters = None
            if not (alone or letters or _POSTCODE_BEFORE.search(before)):
                continue
            if not letters and (_AMOUNT_AFTER.match(after) or _AMOUNT_BEFORE.search(before)):
                continue
            municipality = self._municipality_of(int(match.group(1)))
            if municipality:
                yield Mention(match.start(), match.end(), match.group(), (municipality,))

    def _municipality_of(self, postcode: int) -> str | None:
        found = [name for low, high, name in self._ranges if low <= postcode <= high]
        return found[0] if len(set(found)) == 1 else None


def _decide(text: str, mentions: list[Mention]) -> PlaceReading:
    if not mentions:
        return PlaceReading()
    mentions = _without_locators(text, mentions)
    home = _home_of(text, mentions)
    if home is None:
        choices = {mention.municipalities for mention in mentions}
        home = mentions[0] if len(choices) == 1 else None
    if home is None:
        return PlaceReading(mentions=tuple(mentions))
    if not home.municipalities:
        return PlaceReading(mentions=tuple(mentions), foreign=home.name)
    if len(home.municipalities) > 1:
        return PlaceReading(mentions=tuple(mentions), candidates=home.municipalities)
    return PlaceReading(home.municipalities[0], tuple(mentions))


def _without_locators(text: str, mentions: list[Mention]) -> list[Mention]:
    """ "Hoogland bij Amersfoort" and "Stadshagen Zwolle" are one place: the second only says which one is meant."""
    kept: list[Mention] = []
    for mention in mentions:
        between = text[kept[-1].end : mention.start].lower() if kept else ""
        if not kept or not re.fullmatch(
            r"[\s,(]*(?:(?:vlak|dicht|net) )?(?:bij|in|te|gemeente|vlakbij|naast|onder)?[\s,(]*(?:de |het )?", between
        ):
            kept.append(mention)
            continue
        before = kept[-1]
        if not mention.municipalities:
            # "Deurne bij Antwerpen" lies abroad.
            kept[-1] = mention
        elif not before.municipalities and "bij" in between:
            continue
        elif shared := set(before.municipalities) & set(mention.municipalities):
            kept[-1] = Mention(before.start, before.end, before.name, tuple(sorted(shared)), before.certain)
        elif re.search(r"\b(?:bij|naast|vlakbij|onder)\b", between):
            continue
        elif not re.search(r"[a-z,]", between) and len(before.municipalities) >= 1 and not before.certain:
            kept[-1] = mention
        else:
            kept.append(mention)
    return kept


def _home_of(text: str, mentions: list[Mention]) -> Mention | None:
    """The place where the writer lives, or wants help, when the text says so."""
    if len(mentions) == 1:
        return mentions[0]
    for pattern in (_HOME, _WANTED):
        for mention in mentions:
            before = _own_clause(text[: mention.start])
            if pattern.search(before) and not _OTHERS_HOME.search(before):
                return mention
    if _MOVED.search(text):
        moved = [mention for mention in mentions if _MOVED_TO.search(text[: mention.start])]
        if len(moved) == 1 and not _OTHERS_HOME.search(_own_clause(text[: moved[0].start])):
            return moved[0]
    rest = [mention for mention in mentions if not _OTHERS_HOME.search(_own_clause(text[: mention.start]))]
    return rest[0] if len(rest) == 1 else None


def _own_clause(before: str) -> str:
    """What stands before a place, from where the writer begins to speak of themselves ("... en ik zit nog in")."""
    return re.split(r"(?:\b(?:en|maar|want)|[,.;])\s+(?=(?:ik|wij|we)\b)", before)[-1]


def _is_place_here(text: str, words: list[tuple[int, int, str]], position: int, length: int) -> bool:
    """Whether an ordinary word stands here as a place: as the whole message, or after a preposition and with a capital."""
    if length == len(words):
        return True
    before = words[position - 1][2].lower() if position else ""
    two_before = words[position - 2][2].lower() if position > 1 else ""
    if before in _STRONG_BEFORE or (two_before in ("gemeente", "woon", "wonen") and before in ("in", "te", "bij")):
        return True
    word = words[position][2]
    if before == "in" and word.lower() in ("de", "het") and not word[0].isupper():
        return False
    has_capitals = any(letter.isupper() for letter in text)
    if position == 0:
        # "Best, bij eindhoven"
        rest = text[words[length - 1][1] :]
        return re.match(r"\s*,?\s*(?:bij|vlakbij|gemeente|provincie)\s", rest) is not None
    if before in ("in", "uit", "te", "bij", "naar", "vanuit", "omgeving"):
        after = words[position + length][2].lower() if position + length < len(words) else ""
        return word[0].isupper() or (
            not has_capitals and before in ("in", "uit", "te") and after not in ("van", "de", "het", "een")
        )
    return False


def _in_passing(text: str, words: list[tuple[int, int, str]], position: int, length: int) -> bool:
    """Whether a name stands in the middle of a longer message, without a capital and without a word that points at a place."""
    before = words[position - 1][2].lower() if position else ""
    name = words[position + length - 1][2]
    return (
        position > 0
        and len(words) > 4
        and not name[0].isupper()
        and before not in _BEFORE_PLACE
        and before not in _WEAK_WORDS_BETWEEN - {"de", "het"}
    )


def _may_be_misspelled(words: list[tuple[int, int, str]], position: int) -> bool:
    if len(words) <= 2:
        return True
    before = [word[2].lower() for word in words[max(0, position - 3) : position]]
    if not before:
        return False
    if before[-1] in ("in", "uit", "te", "vanuit", "nabij", "regio", "gemeente", "omgeving"):
        return True
    return before[-1] in _WEAK_WORDS_BETWEEN and any(word in ("in", "uit", "woon", "wonen") for word in before[:-1])


@functools.lru_cache(maxsize=1)
def _ordinary_words() -> frozenset[str]:
    """Words that people here use; never a misspelled place."""
    counted: dict[str, int] = {}
    for example in training_examples():
        for word in _WORD.findall(example.text):
            counted[word.lower()] = counted.get(word.lower(), 0) + 1
    try:
        table = load_pipeline(load_settings().spacy_model).get_pipe("chat_lemmas").lemmas
        for word in (*table, *table.values()):
            counted[word] = counted.get(word, 0) + 2
    except PipelineError:
        # Not built yet: the examples' words have to do.
        pass
    known = {fold(row["place"]) for row in _rows(DIRECTORY / "places.csv")}
    known |= {fold(row["municipality"]) for row in _rows(DIRECTORY / "municipalities.csv")}
    return frozenset(word for word, count in counted.items() if count >= 2 and _folded(word) not in known)


def _folded(word: str) -> str:
    """As `fold`, for a word in lower case; most have nothing to fold, and there are a hundred thousand."""
    return word if word.isascii() and word.isalpha() else fold(word)


def preload() -> None:
    """Read the words now: the first misspelled place takes a moment that nobody should wait for."""
    _ordinary_words()


@functools.lru_cache(maxsize=2)
def _load(
    directory: Path,
) -> tuple[dict[str, tuple[str, tuple[str, ...]]], dict[str, str], frozenset[str], list[tuple[int, int, str]]]:
    names: dict[str, tuple[str, set[str]]] = {}
    for row in _rows(directory / "places.csv"):
        names.setdefault(fold(row["place"]), (row["place"], set()))[1].add(row["municipality"])
    for row in _rows(directory / "municipalities.csv"):
        for alias in filter(None, row["aliases"].split(";")):
            names.setdefault(fold(alias), (alias, set()))[1].add(row["municipality"])
    for row in _rows(directory / "municipalities.csv"):
        # A municipality's own name means that municipality, whatever villages share it.
        names[fold(row["municipality"])] = (row["municipality"], {row["municipality"]})
    foreign = {fold(row["name"]): row["name"] for row in _rows(directory / "foreign_places.csv")}
    common = {fold(row["word"]) for row in _rows(directory / "common_words.csv")}
    # "De Wijk" and "Het Bildt" begin like any noun.
    common |= {name for name in names if name.startswith(("de ", "het ")) and name.count(" ") == 1}
    ranges = [(int(row["from"]), int(row["to"]), row["municipality"]) for row in _rows(directory / "postcodes.csv")]
    return (
        {name: (shown, tuple(sorted(found))) for name, (shown, found) in names.items()},
        foreign,
        frozenset(common),
        ranges,
    )


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(line for line in stream if not line.startswith("#"))
