"""What stands around a sign of danger and changes it: each effect has a name; its words are in `context.yml`.

An effect reaches no further than its clause or sentence: a joke or a negation in one never takes away what the other
says.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from bot.risk.surroundings import Match
from bot.risk.utterance import Word

# Every list of lines that context.yml must hold.
MARKERS = (
    "negation",
    "negation-kept",
    "negated-before",
    "no-longer",
    "past",
    "still",
    "hypothetical",
    "dream",
    "game",
    "fiction",
    "news",
    "schoolwork",
    "information",
    "own",
    "about",
    "classmates",
    "child-does",
    "adult-does",
    "serious",
    "now",
    "today",
    "injured",
    "trapped",
    "weapon",
    "plan",
)
_LINKS = frozenset(
    [
        "en",
        "maar",
        "want",
        "dat",
        "als",
        "omdat",
        "dus",
        "terwijl",
        "toen",
        "of",
        "and",
        "but",
        "because",
        "ve",
        "ama",
        "bo",
        "und",
        "aber",
        "weil",
        "et",
        "mais",
    ]
)
_ADVERBS = frozenset(
    [
        "echt",
        "ook",
        "gewoon",
        "helemaal",
        "hoor",
        "dus",
        "toch",
        "nog",
        "zelf",
        "ooit",
        "eens",
        "zo",
        "meer",
        "of",
        "om",
        "te",
        "mij",
        "me",
        "mich",
        "ons",
        "hem",
        "haar",
        "mnie",
        "beni",
    ]
)
_PERSONS = frozenset(["ik", "hij", "zij", "ze", "we", "wij", "i", "he", "she", "they", "je", "iemand"])
_GAME_TOUCHES = frozenset(
    {"physical_abuse", "threat_to_life", "harm_to_others", "suicide", "abduction", "stalking", "runaway"}
)
_TODAY_RAISES = frozenset({"suicide", "threat_to_life", "abduction", "harm_to_others", "honour_violence"})
_INJURY_RAISES = frozenset({"physical_abuse", "domestic_violence", "sexual_abuse", "self_harm", "honour_violence"})
_TRAP_RAISES = frozenset(
    {
        "physical_abuse",
        "domestic_violence",
        "sexual_abuse",
        "honour_violence",
        "emotional_abuse",
        "threat_to_life",
        "stalking",
    }
)
_WEAPON_RAISES = frozenset(
    {
        "physical_abuse",
        "domestic_violence",
        "threat_to_life",
        "honour_violence",
        "stalking",
        "harm_to_others",
        "emotional_abuse",
    }
)
_CAN_STOP = frozenset({"physical_abuse", "domestic_violence", "self_harm", "stalking", "emotional_abuse", "suicide"})
_CHILD_TOUCHES = frozenset({"physical_abuse", "emotional_abuse", "threat_to_life"})


@dataclass(frozen=True)
class Verdict:
    """What a match amounts to in its context. `level` is none when it means nothing here; `effect` says what did it."""

    level: str
    effect: str | None = None


def judge(match: Match) -> Verdict:
    """The level of a match in its context."""
    for name, cancels in (
        ("negation", _negated),
        ("game", _game),
        ("fiction", _told),
        ("information", _asked),
    ):
        if name not in match.rule.keeps and cancels(match):
            return Verdict("none", name)
    if match.rule.level == "concern":
        return Verdict("concern")
    for name, lowers in (
        ("no-longer", _no_longer),
        ("past", _past),
        ("hypothetical", _hypothetical),
        ("dream", _dreamt),
        ("among-children", _among_children),
    ):
        if name not in match.rule.keeps and lowers(match):
            return Verdict("concern", name)
    if match.rule.level == "high" and "raise" not in match.rule.keeps:
        for name, raises in (
            ("now", _now),
            ("injured", _injured),
            ("trapped", _trapped),
            ("weapon", _weapon),
            ("plan", _plan),
        ):
            if name not in match.rule.keeps and raises(match):
                return Verdict("acute", name)
    return Verdict(match.rule.level)


def _negated(match: Match) -> bool:
    """A "niet" of the match itself, as in "hij slaat mij niet"; not "hij houdt niet op", nor one of other words."""
    if match.before("negated-before", 2):
        return True
    kept = {found[0] for name in ("negation-kept", "no-longer") for found in match.in_clause(name)}
    persons = {found[-1] for name in ("adult-does", "child-does") for found in match.in_clause(name)}
    for found in match.in_clause("negation"):
        place = found[0]
        if place in match.words or place in kept:
            continue
        between = match.text.words[place + 1 : match.last + 1]
        if match.first < place < match.last and not _goes_on_anew(between):
            return True
        if match.last < place and _belongs_to_what_was_said(match, place, persons):
            return True
        # "ik ga me niet snijden": right before the match, after a verb that belongs to it.
        if place == match.first - 1 and not _begins_with_someone(match):
            return True
    return False


def _goes_on_anew(words: Sequence[Word]) -> bool:
    """Whether what follows a "niet" is linked to it as something else; in "nooit bedreigd of geslagen" it counts for both."""
    return any(
        word.norm in _LINKS and (word.norm != "of" or step == 0 or words[step + 1].norm in _PERSONS)
        for step, word in enumerate(words[:-1])
    )


def _belongs_to_what_was_said(match: Match, place: int, persons: Set[int]) -> bool:
    """Whether a "niet" after the match denies it: "hij slaat mij echt niet", "hij schopt of slaat niet"; not "ik wil dood, niet
    zomaar wat gepraat".
    """
    first = match.last + 1
    skipped = match.text.words[first:place]
    if len(skipped) > 2 or any(word.after_pause for word in match.text.words[first : place + 1]):
        return False
    if len(skipped) == 2 and skipped[0].norm == "of" and skipped[1].norm not in _PERSONS:
        return True
    return all(word.norm in _ADVERBS or first + step in persons for step, word in enumerate(skipped))


def _begins_with_someone(match: Match) -> bool:
    """Whether the match begins with a person: a "niet" before it then belongs to what was said before."""
    if match.text.words[match.first].norm in _PERSONS:
        return True
    return any(
        found[0] == match.first for name in ("own", "adult-does", "child-does") for found in match.in_clause(name)
    )


def _game(match: Match) -> bool:
    """ "ik ga dood in fortnite"; never what happens to someone because of a game."""
    return match.rule.category in _GAME_TOUCHES and bool(match.in_clause("game"))


def _told(match: Match) -> bool:
    """In a song, film or book, in the news or for school, and about no one of one's own."""
    own = any(set(found) & match.words for found in match.in_sentence("own"))
    if any(found[-1] < match.last <= found[-1] + 5 for found in match.in_clause("about")):
        return True
    for name in ("fiction", "news", "schoolwork"):
        for found in match.in_sentence(name):
            same_clause = match.text.words[found[0]].clause in match.clauses
            if not own and (same_clause or found[0] < match.first or name == "schoolwork"):
                return True
    return False


def _asked(match: Match) -> bool:
    """A question about people in general."""
    return bool(match.in_sentence("information")) and not any(
        set(found) & match.words for found in match.in_sentence("own")
    )


def _no_longer(match: Match) -> bool:
    """ "hij slaat mij niet meer"."""
    return match.rule.category in _CAN_STOP and any(
        match.first <= found[0] <= match.last + 2 and match.words.isdisjoint(found)
        for found in match.in_clause("no-longer")
    )


def _past(match: Match) -> bool:
    """Told as long ago, and not said to go on."""
    told = any(not set(found) <= match.words for found in match.in_sentence("past"))
    return told and not match.nearby("still")


def _hypothetical(match: Match) -> bool:
    """ "stel dat hij mij slaat"; thoughts of death stay what they are."""
    return match.rule.category not in ("suicide", "self_harm") and bool(match.in_clause("hypothetical"))


def _dreamt(match: Match) -> bool:
    """Seen in a dream; a wish to die is no dream."""
    return match.rule.category not in ("suicide", "self_harm") and bool(match.in_sentence("dream"))


def _among_children(match: Match) -> bool:
    """A brother, sister or other child does it, and no grown-up is named."""
    if match.rule.category not in _CHILD_TOUCHES or match.in_clause("serious"):
        return False
    if match.nearby("adult-does"):
        return False
    named = [found for found in match.nearby("child-does") if found[0] < match.first and match.words.isdisjoint(found)]
    return bool(named) or bool(match.in_sentence("classmates"))


def _now(match: Match) -> bool:
    if match.in_clause("now"):
        return True
    return match.rule.category in _TODAY_RAISES and bool(match.in_clause("today"))


def _injured(match: Match) -> bool:
    return match.rule.category in _INJURY_RAISES and _beside(match, "injured")


def _trapped(match: Match) -> bool:
    return match.rule.category in _TRAP_RAISES and _beside(match, "trapped")


def _beside(match: Match, name: str) -> bool:
    """The marker near the match, in words that are not the match's own."""
    return any(not set(found) <= match.words for found in match.nearby(name))


def _weapon(match: Match) -> bool:
    return match.rule.category in _WEAPON_RAISES and any(
        not set(found) <= match.words for found in match.in_sentence("weapon")
    )


def _plan(match: Match) -> bool:
    return match.rule.category == "suicide" and bool(match.nearby("plan"))
