"""In which language a message is written. Dutch unless there is good reason to think otherwise: messages are short and messy."""

from __future__ import annotations

import functools
import re

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

DUTCH = "nl"
_LANGUAGES = (
    Language.DUTCH,
    Language.ENGLISH,
    Language.TURKISH,
    Language.ARABIC,
    Language.POLISH,
    Language.UKRAINIAN,
    Language.RUSSIAN,
    Language.GERMAN,
    Language.FRENCH,
    Language.SPANISH,
)
SURE = 0.72
# Below this share for Dutch a sure other language is believed.
NOT_DUTCH = 0.12
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# fmt: off
# Words that only Dutch has among the languages here; one of them in five words keeps a message Dutch.
_DUTCH_WORDS = frozenset(
    ["ik", "je", "jij", "hij", "zij", "wij", "jullie", "mijn", "mn", "jouw", "zijn", "haar", "hun", "een", "het", "niet", "geen", "maar", "waar", "wat", "hoe", "wie", "waarom", "wanneer", "ook", "nog", "wel", "dat", "dit", "deze", "die", "van", "voor", "naar", "met", "bij", "uit", "heb", "heeft", "hebben", "ben", "bent", "gaat", "gaan", "moet", "moeten", "kan", "kun", "mag", "wil", "wilt", "weet", "ouders", "vader", "moeder", "papa", "mama", "scheiden", "scheiding", "kinderen", "kind", "thuis", "huis", "omdat", "toch", "echt", "heel", "altijd", "nooit", "iemand", "niemand", "ze", "we", "me"]
)
# Papiamento is not in lingua; these words are not Dutch, Spanish or Portuguese.
_PAPIAMENTO_WORDS = frozenset(["mi", "mester", "bo", "nos", "nan", "por", "papia", "hulandes", "papiamentu", "yudansa", "yuda", "mayornan", "ta", "no", "tin", "kier", "ku", "pa", "kon", "unda", "danki"])
_PAPIAMENTO_SURE = frozenset(["hulandes", "papiamentu", "papiamento", "yudansa", "mayornan", "mester", "bonochi", "kontami"])
_ENGLISH_SURE = frozenset(
    ["hello", "please", "help", "my", "the", "and", "with", "i'm", "im", "parents", "dad", "mom", "mum", "english", "speak", "want", "what", "how", "where", "can", "you", "they", "divorce"]
)
_TURKISH_SURE = frozenset(["selam", "merhaba", "yardım", "yardim", "babam", "annem", "türkçe", "turkce", "boşanma", "boşanıyor", "istiyorum", "lütfen"])
# fmt: on
_SCRIPTS = (
    (re.compile("[\u0600-\u06ff]"), "ar"),
    (re.compile("[\u1200-\u137f]"), "ti"),
)
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_UKRAINIAN_LETTERS = re.compile("[іїєґІЇЄҐ]")


@functools.lru_cache(maxsize=1)
def _detector() -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*_LANGUAGES).build()


def detect_language(text: str) -> str:
    """The ISO 639-1 code of a message's language (`pap` for Papiamento); `nl` when nothing speaks clearly against it."""
    words = [word.lower() for word in _WORD.findall(text[:2000])]
    if not words:
        return DUTCH
    letters = "".join(words)
    for script, code in _SCRIPTS:
        if len(script.findall(letters)) > len(letters) / 2:
            return code
    if len(_CYRILLIC.findall(letters)) > len(letters) / 2:
        return _cyrillic_language(text)
    if len(words) >= 3 and (
        set(words) & _PAPIAMENTO_SURE and sum(word in _PAPIAMENTO_WORDS for word in words) * 2 >= len(words)
    ):
        return "pap"
    dutch = sum(word in _DUTCH_WORDS for word in words)
    if dutch * 5 >= len(words) and not _mostly(words, _ENGLISH_SURE):
        return DUTCH
    if len(words) < 3:
        for code, sure in (("en", _ENGLISH_SURE), ("tr", _TURKISH_SURE)):
            if _mostly(words, sure) and not set(words) & _DUTCH_WORDS and words != ["help"]:
                return code
        return DUTCH
    ranked = _detector().compute_language_confidence_values(" ".join(words))
    shares = {value.language.iso_code_639_1.name.lower(): value.value for value in ranked}
    best = max(shares, key=lambda code: shares[code])
    if shares[best] >= SURE and shares.get(DUTCH, 0.0) <= NOT_DUTCH:
        return best
    return DUTCH


def _cyrillic_language(text: str) -> str:
    if _UKRAINIAN_LETTERS.search(text):
        return "uk"
    found = _detector().compute_language_confidence_values(text)
    shares = {value.language.iso_code_639_1.name.lower(): value.value for value in found}
    return "uk" if shares.get("uk", 0.0) > shares.get("ru", 0.0) else "ru"


def _mostly(words: list[str], known: frozenset[str]) -> bool:
    return sum(word in known for word in words) * 2 > len(words)
