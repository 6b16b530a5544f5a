"""The rules of danger: every example in the files, and what stands around a sign."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from bot.language.pipeline import build_pipeline
from bot.risk.pattern_language import PatternError, PatternLanguage
from bot.risk.patterns import PatternReader
from bot.risk.reading import CATEGORIES, Part, combine, severity
from bot.risk.rules import Rule, read_rules

DIRECTORY = Path(__file__).resolve().parents[2] / "config" / "risk"
RULES = read_rules(DIRECTORY)


@pytest.fixture(scope="module")
def nlp() -> Language:
    return build_pipeline()


@pytest.fixture(scope="module")
def reader(nlp: Language) -> PatternReader:
    return PatternReader(nlp, DIRECTORY)


def parts(reader: PatternReader, nlp: Language, message: str) -> list[Part]:
    return reader.read(nlp(message))


def cases(kind: str) -> list[tuple[Rule, str]]:
    return [(rule, line) for rule in RULES for line in getattr(rule, kind)]


def name_of(value: object) -> str:
    return f"{value.category}/{value.name}" if isinstance(value, Rule) else str(value)


@pytest.mark.parametrize(("rule", "message"), cases("fires"), ids=name_of)
def test_a_rule_fires_on_its_own_examples(reader: PatternReader, nlp: Language, rule: Rule, message: str) -> None:
    own = [
        part
        for part in parts(reader, nlp, message)
        if part.name.split(">")[0] == f"pattern:{rule.category}/{rule.name}"
    ]
    assert own and severity(own[0].level) >= severity(rule.level)


@pytest.mark.parametrize(("rule", "message"), cases("silent"), ids=name_of)
def test_a_rule_stays_silent_where_its_author_says_so(
    reader: PatternReader, nlp: Language, rule: Rule, message: str
) -> None:
    names = [part.name.split(">")[0] for part in parts(reader, nlp, message)]
    assert f"pattern:{rule.category}/{rule.name}" not in names


def test_every_category_has_rules() -> None:
    assert {rule.category for rule in RULES} == set(CATEGORIES)


CONTEXT = [
    # A negation that takes the danger away, and one that leaves it.
    ("hij slaat mij niet, hij roept alleen", "none"),
    ("papa slaat mama niet", "none"),
    ("mijn vader heeft mij nog nooit geslagen", "none"),
    ("mama doet mij geen pijn", "none"),
    ("ik ga mezelf niet snijden hoor", "none"),
    ("ik wil niet dood", "none"),
    ("he doesn't hit me", "none"),
    ("mein Vater schlägt mich nicht", "none"),
    ("tata mnie nie bije", "none"),
    ("babam beni dövmüyor", "none"),
    ("hij houdt niet op met slaan, hij slaat me elke dag", "high"),
    ("ik wil niet meer leven", "high"),
    ("ik durf niet te zeggen dat papa mij slaat", "high"),
    ("ik weet niet wat ik moet doen mijn vader slaat mij", "high"),
    ("papa slaat mij niet alleen, hij schopt ook", "high"),
    ("als ik niet luister slaat hij mij", "high"),
    ("ik wil niet naar huis want dan slaat papa mij", "high"),
    ("niemand weet het maar mijn stiefvader slaat mij", "high"),
    ("hij slaat me niet meer", "concern"),
    # Long ago, or still going on.
    ("vroeger sloeg mijn vader mij", "concern"),
    ("toen ik klein was werd ik geslagen door mama", "concern"),
    ("vroeger sloeg papa mij en nu nog steeds", "high"),
    ("sinds vorig jaar slaat mijn vader mij", "high"),
    # Supposed.
    ("stel dat mijn vader mij slaat", "concern"),
    ("ik heb gedroomd dat papa mij vermoordde, hij wilde mij vermoorden", "none-or-concern"),
    # A question about people in general, and one that tells.
    ("wat doet Veilig Thuis als een kind geslagen wordt", "none"),
    ("is slaan strafbaar als een ouder het doet", "none"),
    ("welke signalen zijn er als kinderen mishandeld worden", "none"),
    ("wat gebeurt er als ik zeg dat papa mij slaat", "high"),
    # School work, news, stories.
    ("ik maak een werkstuk over zelfmoord", "none"),
    ("mijn spreekbeurt gaat over kindermishandeling", "none"),
    ("in de film wil een man zijn vrouw vermoorden", "none"),
    ("het liedje gaat over een meisje dat dood wil", "none"),
    ("in het nieuws was een vader die zijn kinderen wilde vermoorden", "none"),
    ("ik kan mijn werkstuk niet maken want ik wil dood", "high"),
    ("ik keek een film en toen sloeg papa mij", "high"),
    # Games.
    ("ik ga hem killen in fortnite", "none"),
    ("ik ging dood bij minecraft", "none"),
    ("papa slaat me altijd bij mario kart", "none"),
    ("papa slaat mij als ik fortnite speel", "high"),
    ("iemand op roblox vraagt blote foto's van mij", "high"),
    # Idioms, alone and beside a disclosure.
    ("ik lach me dood", "none"),
    ("ik schaam me kapot", "none"),
    ("ik ben doodmoe", "none"),
    ("dat slaat nergens op", "none"),
    ("we slaan een weekend over bij papa", "none"),
    ("hij slaat de bal mis", "none"),
    ("mijn moeder vermoordt me als ik te laat ben", "none"),
    ("ik vermoord hem als hij weer mijn chips eet haha", "none"),
    ("ik ga dood van verveling", "none"),
    ("ik help doodgraag", "none"),
    ("ik ben doodmoe, ik wil echt dood", "high"),
    ("ik lach me dood maar eigenlijk wil ik dood", "high"),
    ("het slaat nergens op, mijn vader slaat mij", "high"),
    ("ik werd geslagen door mama", "high"),
    ("papa doet de deur dicht en slaat mij", "high"),
    ("hij slaat mij om niks", "high"),
    ("mijn vader slaat mij op mijn hoofd haha", "high"),
    ("ik wil dood 😂", "high"),
    # Who does what to whom.
    ("mijn zusje slaat me altijd met haar knuffel", "none"),
    ("mijn broertje slaat mij soms", "none-or-concern"),
    ("mijn vader slaat mijn broertje", "high"),
    ("mijn grote broer slaat me elke dag en ik ben bang voor hem", "high"),
    ("ik heb mijn kind geslagen", "high"),
    ("mijn man slaat mij", "high"),
    # A retraction takes nothing away.
    ("ik wil dood, grapje", "high"),
    ("papa slaat mij. laat maar was een grapje", "high"),
    # What makes it acute.
    ("papa slaat mij nu", "acute"),
    ("hij heeft me net geslagen en ik bloed", "acute"),
    ("mijn vader heeft mij geslagen, ik kan niet weg", "acute"),
    ("papa heeft een mes gepakt", "acute"),
    ("ik wil dood, de pillen liggen klaar", "acute"),
    ("ik wil vanavond dood", "acute"),
    ("mijn vader pakt altijd een mes als hij boos is", "high"),
    # Ordinary talk about separation.
    ("ik ben bang dat we moeten verhuizen", "none"),
    ("ik haat mijn vader", "none"),
    ("mama schreeuwt soms", "none"),
    ("hij heeft de kinderen niet teruggebracht om 6 uur", "none"),
    ("mijn ex staat om 6 uur voor de deur om de kinderen op te halen", "none"),
    ("ik wil niet meer naar papa", "none"),
    # Spelling as people chat.
    ("kwil dood", "high"),
    ("mn pa slaad me", "high"),
    ("ik denk aan zelfmoort", "high"),
    ("me vader mishandelt me egt waar", "high"),
]


@pytest.mark.parametrize(("message", "level"), CONTEXT)
def test_what_stands_around_a_sign_decides_its_level(
    reader: PatternReader, nlp: Language, message: str, level: str
) -> None:
    read = combine(parts(reader, nlp, message)).level
    assert read in (("none", "concern") if level == "none-or-concern" else (level,))


def test_a_lowered_part_tells_what_lowered_it(reader: PatternReader, nlp: Language) -> None:
    names = [part.name for part in parts(reader, nlp, "vroeger sloeg mijn vader mij")]
    assert "pattern:physical_abuse/slaan-mij>past" in names


def test_spans_are_code_points_of_the_message(reader: PatternReader, nlp: Language) -> None:
    message = "😭😭 kwil echt dood"
    part = parts(reader, nlp, message)[0]
    assert message[part.spans[0][0] :].startswith("kwil") and message[: part.spans[-1][1]].endswith("dood")


def test_nothing_is_read_in_an_empty_message(reader: PatternReader, nlp: Language) -> None:
    assert parts(reader, nlp, "") == [] and parts(reader, nlp, " \n ") == []


@pytest.mark.parametrize(
    "unit", ["mijn vader slaat mij ", "Hallo, wat is een ouderschapsplan? ", "ik wil niet meer dood ", "😭"]
)
def test_the_work_grows_no_faster_than_the_message(reader: PatternReader, nlp: Language, unit: str) -> None:
    half, whole = nlp((unit * 10_000)[:10_000]), nlp((unit * 20_000)[:20_000])
    reader.read(whole)  # fills what is remembered of words
    assert calls(reader, whole) < 2.5 * calls(reader, half) < 2_500_000


def calls(reader: PatternReader, doc: Doc) -> int:
    """How many functions are called for one reading: the same on a busy machine as on a quiet one."""
    profile = cProfile.Profile()
    profile.runcall(reader.read, doc)
    return int(pstats.Stats(profile).total_calls)


def test_an_unknown_word_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(PatternError, match="volwassenen"):
        PatternLanguage({"volwassene": "vader"}).pattern("{volwassenen} & slaan")


def test_a_group_that_holds_itself_is_refused() -> None:
    with pytest.raises(PatternError, match="holds itself"):
        PatternLanguage({"a": "{b}", "b": "{a}"}).group("a")
