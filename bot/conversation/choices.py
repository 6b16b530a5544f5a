"""Which offered button a typed text means: "die eerste", "doe die maar", "ja", or the button's own words.

Only buttons that this conversation was really offered are looked at; a typed text never becomes a payload in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

from bot.conversation.messages import Button, Reply
from bot.language.spelling import normalize

LONGEST_WORDS = 9
LONGEST_YES_WORDS = 4
# Below this confidence a message is not understood by itself: part of a button's words is enough then, and it may lean back.
CLEAR = 0.75
SHORTEST_TELLING_LETTERS = 4

_ORDINALS = (
    frozenset({"eerste", "1e", "1ste", "1", "bovenste", "één", "een"}),
    frozenset({"tweede", "2e", "2de", "2", "twee"}),
    frozenset({"derde", "3e", "3de", "3", "drie"}),
    frozenset({"vierde", "4e", "4de", "4", "vier"}),
    frozenset({"vijfde", "5e", "5de", "5", "vijf"}),
)
_LAST = frozenset({"laatste", "onderste"})
_MIDDLE = frozenset({"middelste"})
# "een" and "twee" are ordinary words: they count only alone or after "nummer".
_BARE_NUMBERS = frozenset({"een", "één", "twee", "drie", "vier", "vijf"})
# Words around a choice that choose nothing themselves.
_AROUND_WORDS = (
    "ja jaa ok oke oké okee nou eh uh uhm en dan doe doen maar graag alstublieft alsjeblieft aub plz please "
    "de het een die dat deze dit nummer optie keuze knop ik wil wou zou kies neem geef bedoel bedoelde bedoelt "
    "toch liever gewoon even denk hoor over van voor met om naar mij me als is goed natuurlijk zeker laat zien "
    "drukken klik druk op"
)
_AROUND = frozenset(_AROUND_WORDS.split())
_POINTING = re.compile(
    r"(?:(?:ja|ok|oke|oké|nou|eh|uh|is goed) )*(?:(?:doe|neem|kies|geef|ik (?:wil|neem|kies|bedoel)) )?"
    r"(?:die|dat|deze|dit|hem)(?: ene)?"
    r"(?: (?:maar|graag|dan|alstublieft|alsjeblieft|bedoel ik|wil ik|is goed|lijkt me goed|please))*"
)
_DENYING = frozenset({"niet", "geen", "nooit", "nee"})
# "Wil je met een mens praten?": a yes means the button that asks for one.
_OFFERS_A_HUMAN = re.compile(r"\b(?:wil|wilt|zal|praat)\b[^.?!]*\bmens\b[^.?!]*\?", re.IGNORECASE)
_NO_TOPIC = ("/request_human", "/start_over", "/delete_data", "/affirm", "/deny", "/help", "/inform")


def chosen(text: str, offers: Sequence[Reply], intent: str, confidence: float) -> Button | None:
    """The button that a typed text presses; None when it presses none, or not clearly one.

    Args:
        text: as typed.
        offers: the replies of the bot's last turn, with payloads; those without buttons may be among them.
        intent: what the text is read as by itself.
        confidence: how sure that reading is.
    """
    words = words_of(text)
    groups = [reply for reply in offers if reply.buttons]
    if not groups or text.lstrip().startswith("/") or not 0 < len(words) <= LONGEST_WORDS:
        return None
    return (
        by_title(text, [button for reply in groups for button in reply.buttons], part_is_enough=confidence < CLEAR)
        or _by_position(words, groups[-1].buttons)
        or _by_pointing(words, groups[-1])
        or _by_yes_or_no(words, groups[-1], intent)
    )


def by_title(text: str, buttons: Iterable[Button], part_is_enough: bool) -> Button | None:
    """The one button whose words a text repeats; with `part_is_enough` also the one whose words it repeats in part."""
    typed, choices = words_of(text), list(buttons)
    same = [button for button in choices if _alike(" ".join(typed), " ".join(words_of(button.title)))]
    if not same:
        telling = _telling(typed)
        same = [button for button in choices if telling and _telling(words_of(button.title)) == telling]
        if not same and part_is_enough:
            same = [button for button in choices if _is_part(telling, _telling(words_of(button.title)))]
    return same[0] if len({button.payload for button in same}) == 1 else None


def words_of(text: str) -> list[str]:
    """The words of a text in normal spelling."""
    return re.findall(r"\w+", normalize(text))


def _telling(words: list[str]) -> list[str]:
    return [word for word in words if word not in _AROUND]


def _is_part(typed: list[str], title: list[str]) -> bool:
    if not typed or (_DENYING & set(typed)) - set(title):
        return False
    if max(len(word) for word in typed) < SHORTEST_TELLING_LETTERS:
        return False
    return all(any(_alike(word, other) or _same_stem(word, other) for other in title) for word in typed)


def _alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for a typing error."""
    length = min(len(one), len(other))
    return one == other or OSA.distance(one, other) <= (2 if length >= 12 else 1 if length >= 6 else 0)


def _same_stem(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) > SHORTEST_TELLING_LETTERS and longer.startswith(shorter)


def _by_position(words: list[str], buttons: tuple[Button, ...]) -> Button | None:
    if len(buttons) < 2:
        return None
    telling = _telling(words)
    bare = [word for word in words if word in _BARE_NUMBERS]
    if bare and (len(words) == 1 or words == ["nummer", bare[0]]):
        telling = bare
    if len(telling) != 1:
        return None
    word = telling[0]
    if word in _LAST:
        return buttons[-1]
    if word in _MIDDLE:
        return buttons[len(buttons) // 2] if len(buttons) % 2 else None
    for position, names in enumerate(_ORDINALS[: len(buttons)]):
        if word in names:
            return buttons[position]
    return None


def _by_pointing(words: list[str], reply: Reply) -> Button | None:
    """ "Doe die maar": the only button, the yes, or the first topic, which is the likeliest one."""
    if not _POINTING.fullmatch(" ".join(words)):
        return None
    topics = [button for button in reply.buttons if not button.payload.startswith(_NO_TOPIC)]
    only = reply.buttons[0] if len(reply.buttons) == 1 else None
    return _yes_button(reply) or only or (topics[0] if topics else None)


def _by_yes_or_no(words: list[str], reply: Reply, intent: str) -> Button | None:
    if len(words) > LONGEST_YES_WORDS:
        return None
    if intent == "deny":
        return next((button for button in reply.buttons if button.payload == "/deny"), None)
    if intent == "affirm" and not _DENYING & set(words):
        return _yes_button(reply)
    return None


def _yes_button(reply: Reply) -> Button | None:
    for button in reply.buttons:
        if button.payload == "/affirm":
            return button
        if button.payload == "/request_human" and _OFFERS_A_HUMAN.search(reply.text):
            return button
    return None
