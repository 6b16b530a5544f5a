"""Chat spelling: what people type is brought nearer to written Dutch, word by word, before it is understood.

`clean` repairs characters and keeps every offset in place; `normal_form` gives the normal spelling of one word. The tables
hold what children and adults write in chats; a word that is also an ordinary Dutch word stays as it is.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

from bot.language.sounding import COMMON_WORDS_FILE, heard

# What the normal spelling is made from: whatever was trained on it has to be trained again when one of these changes.
SPELLING_SOURCES = (Path(__file__), Path(heard.__code__.co_filename), COMMON_WORDS_FILE)

# Letters of other scripts that look like Latin ones, as found in texts pasted from fancy fonts or made to slip past filters.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝкмтвнАЕОРСУХІЈЅКМТВНοαεικνυρτ’‘`´“”„–—",
    "aeopcyxijsdhlqwkmtbhAEOPCYXIJSKMTBHoaeiknupt''''\"\"\"--",
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufe0e\ufe0f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COMBINING_RUN = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]{2,})")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z]")
_WORD = re.compile(r"\S+")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_WORD = re.compile(r"^(?=.*[a-z])(?=.*[013457@$])[a-z013457@$!]{3,}$")

# fmt: off
CHAT_WORDS: dict[str, str] = {
    # pronouns and little words
    "mn": "mijn", "m'n": "mijn", "me'n": "mijn", "mijne": "mijn", "mein": "mijn", "mij'n": "mijn", "zn": "zijn", "z'n": "zijn",
    "dr": "haar", "d'r": "haar", "ie": "hij", "ij": "hij", "hy": "hij", "zy": "zij", "wy": "wij", "jy": "jij", "myn": "mijn",
    "zyn": "zijn", "k": "ik", "'k": "ik", "ikke": "ik", "jou'n": "jouw", "julie": "jullie", "jullieh": "jullie", "jllie": "jullie",
    "'t": "het", "t": "het", "ut": "het", "et": "het", "'n": "een", "n": "een", "un": "een", "'s": "is", "da": "dat", "wa": "wat",
    "di": "dit", "dees": "deze", "nie": "niet", "ni": "niet", "niej": "niet", "nii": "niet", "niets": "niks", "nix": "niks",
    "mar": "maar", "mss": "misschien", "msch": "misschien", "misch": "misschien", "mischien": "misschien",
    "misschienn": "misschien", "mssch": "misschien", "ofz": "ofzo", "ofzow": "ofzo", "enz": "enzovoort",
    # questions
    "wrm": "waarom", "waaarom": "waarom", "warom": "waarom", "waarm": "waarom", "wrom": "waarom", "wanner": "wanneer", "wnr": "wanneer",
    "wnneer": "wanneer", "wr": "waar", "hoelang": "hoe lang", "hoeveell": "hoeveel", "hvl": "hoeveel", "wie's": "wie is",
    "wats": "wat is", "wattis": "wat is", "watis": "wat is", "kunje": "kun je", "kenje": "kun je", "hoezo": "hoezo",
    # chat abbreviations
    "ff": "even", "effe": "even", "ffe": "even", "efkes": "even", "gwn": "gewoon", "gwoon": "gewoon", "gewn": "gewoon", "gwoonn": "gewoon",
    "egt": "echt", "ech": "echt", "egtt": "echt", "ecth": "echt", "eht": "echt", "idk": "weet ik niet", "wk": "weet ik", "wknie": "weet ik niet",
    "ikw": "ik weet", "wss": "waarschijnlijk", "wrs": "waarschijnlijk", "ws": "waarschijnlijk", "iig": "in ieder geval", "sws": "sowieso",
    "soiso": "sowieso", "zwz": "sowieso", "vgm": "volgens mij", "vlgs": "volgens", "vlgns": "volgens", "tog": "toch", "tis": "het is",
    "tkan": "het kan", "kweet": "ik weet", "kheb": "ik heb", "kben": "ik ben", "kwil": "ik wil", "kga": "ik ga", "kmoet": "ik moet",
    "hb": "heb", "heb'k": "heb ik", "ksnap": "ik snap", "ht": "het", "vd": "van de", "vh": "van het", "vr": "voor", "vor": "voor", "voo": "voor",
    "nr": "naar", "ng": "nog", "nogg": "nog", "alleg": "alleen", "allen": "alleen", "aleen": "alleen", "alleenig": "alleen", "nu'": "nu",
    "w8": "wacht", "m8": "maat", "ltr": "letterlijk", "lttrlk": "letterlijk", "nvm": "laat maar", "btw": "trouwens", "trwns": "trouwens",
    "omg": "jeetje", "wtf": "wat", "pls": "alsjeblieft", "plz": "alsjeblieft", "plss": "alsjeblieft", "aub": "alstublieft",
    "sgool": "school", "skool": "school", "scholl": "school", "schol": "school", "bff": "vriendin", "bffs": "vrienden", "vriendn": "vrienden",
    "thx": "dankjewel", "tnx": "dankjewel", "thanks": "dankjewel", "bdnkt": "bedankt", "dankje": "dankjewel", "danku": "dankjewel",
    "ok": "oke", "oké": "oke", "okee": "oke", "okay": "oke", "okey": "oke", "kk": "oke", "jaa": "ja", "jaaa": "ja", "jep": "ja", "yep": "ja",
    "yes": "ja", "neej": "nee", "neeh": "nee", "nope": "nee", "nah": "nee", "neen": "nee",
    # family and separation
    "scheidng": "scheiding", "sgeiding": "scheiding", "scheding": "scheiding", "schijding": "scheiding", "scheidin": "scheiding",
    "schijden": "scheiden", "sgeiden": "scheiden", "scheidne": "scheiden", "schieden": "scheiden", "scheide": "scheiden", "gescheide": "gescheiden",
    "geschieden": "gescheiden", "gesgeiden": "gescheiden", "geschijden": "gescheiden", "oudrs": "ouders", "ouderz": "ouders", "auders": "ouders",
    "oders": "ouders", "papah": "papa", "papaa": "papa", "pappa": "papa", "pappie": "papa", "mamma": "mama", "mamaa": "mama", "mamah": "mama",
    "mammie": "mama", "pap": "papa", "mam": "mama", "moedr": "moeder", "modder": "moeder", "vadr": "vader", "vaader": "vader", "vder": "vader",
    "broetje": "broertje", "broerje": "broertje", "broer'tje": "broertje", "broertj": "broertje", "zusj": "zusje", "zussje": "zusje",
    "advocat": "advocaat", "advokaat": "advocaat", "advokaten": "advocaten", "alementatie": "alimentatie", "alimantatie": "alimentatie",
    "allimentatie": "alimentatie", "alimentasie": "alimentatie", "meditation": "mediation", "mediator's": "mediator", "medeator": "mediator",
    "rechtr": "rechter", "regter": "rechter", "rechtre": "rechter", "omgangsregling": "omgangsregeling", "huilt": "huilt", "huile": "huilen",
    "verdritig": "verdrietig", "verdreitig": "verdrietig", "verdrietug": "verdrietig", "verdietig": "verdrietig", "vrdrietig": "verdrietig",
    # ordinary words, often misspelled
    "altyd": "altijd", "altij": "altijd", "altidj": "altijd", "altjd": "altijd", "altd": "altijd", "tyd": "tijd", "blyven": "blijven",
    "wilt": "wil", "hebt": "heb", "hep": "heb", "heef": "heeft", "heefd": "heeft", "word": "wordt", "vind": "vind", "vint": "vind",
    "zegd": "zegt", "segt": "zegt", "zeg't": "zegt", "weeet": "weet", "weed": "weet", "slaapen": "slapen", "slaape": "slapen", "huisj": "huisje",
    "verhuize": "verhuizen", "verhuise": "verhuizen", "verhuisen": "verhuizen", "ferhuizen": "verhuizen", "ferdrietig": "verdrietig",
    "vrind": "vriend", "vrint": "vriend", "frient": "vriend", "ruzi": "ruzie", "ruzzie": "ruzie", "rusie": "ruzie", "ruzy": "ruzie",
    "kunne": "kunnen", "moete": "moeten", "wille": "willen", "gaane": "gaan", "prate": "praten", "praaten": "praten", "woone": "wonen",
    "woonen": "wonen", "kieze": "kiezen", "kiesen": "kiezen", "mage": "mogen", "helpe": "helpen", "hulpp": "hulp", "geholpe": "geholpen",
    "hiero": "hier", "daaro": "daar", "ergen": "ergens", "nergen": "nergens", "iemant": "iemand", "niemant": "niemand", "imand": "iemand",
    "nimand": "niemand", "iets's": "iets", "keb": "ik heb", "hoevaak": "hoe vaak", "somige": "sommige", "eigelijk": "eigenlijk",
    "eigenlk": "eigenlijk", "eigelyk": "eigenlijk", "natuurlyk": "natuurlijk", "makkelyk": "makkelijk", "moeilyk": "moeilijk", "moeilik": "moeilijk",
    "toestemmig": "toestemming", "vakansie": "vakantie", "vakanti": "vakantie", "vacantie": "vakantie", "verjaardach": "verjaardag",
    "vrjdg": "verjaardag", "weeknd": "weekend", "wknd": "weekend", "weekent": "weekend", "wkend": "weekend", "wike": "week",
    "hond's": "hond", "katje's": "katjes", "geldt": "geld", "gelt": "geld", "geldd": "geld", "kosteloos": "gratis", "politsie": "politie",
    "poltie": "politie", "tellefoon": "telefoon", "tel": "telefoon", "mobiel": "telefoon",
    # street and Flemish words
    "wollah": "echt waar", "wallah": "echt waar", "wlh": "echt waar", "skeer": "arm", "osso": "huis", "fittie": "ruzie", "fitti": "ruzie",
    "bro": "vriend", "broo": "vriend", "bradda": "vriend", "doekoe": "geld", "saaf": "geld", "loesoe": "weg", "dawg": "vriend",
    "ons ma": "mama", "moeke": "mama", "vake": "papa", "vava": "opa", "bomma": "oma", "bompa": "opa", "ge": "je", "gij": "jij", "gie": "jij",
    "u": "u", "hedde": "heb je", "zijde": "ben je", "moeste": "moest je", "kunde": "kun je", "goe": "goed", "allez": "kom", "amai": "jeetje",
    "efkens": "even", "vijs": "vies", "curieus": "nieuwsgierig", "seffens": "straks", "subiet": "straks", "scheidingske": "scheiding",
}
# fmt: on


def clean(text: str) -> str:
    """The text with look-alike letters and quotes made plain and invisible or control characters blanked.

    Every code point keeps its place, so offsets in the cleaned text hold in the text as given.
    """
    text = _CONTROL.sub(" ", text)
    text = _INVISIBLE.sub("\u2063", text)
    text = _COMBINING_RUN.sub(lambda run: run.group()[0] + "\u2063" * (len(run.group()) - 1), text)
    text = "".join(_plain_character(character) for character in text)
    return _WORD.sub(_latin_when_mixed, text)


def _plain_character(character: str) -> str:
    if character < "\u0250" or character == "\u2063":
        return character
    if "\ud800" <= character <= "\udfff":
        return " "
    plain = unicodedata.normalize("NFKC", character)
    # Mathematical and full-width letters become plain ones; what would change the length stays.
    return plain if len(plain) == 1 else character


def _latin_when_mixed(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii():
        return word
    if (_LATIN.search(word) and _CYRILLIC.search(word)) or (not _CYRILLIC.search(word) and not _is_greek(word)):
        return word.translate(_LOOK_ALIKES)
    return word


def _is_greek(word: str) -> bool:
    return any("\u0370" <= character <= "\u03ff" for character in word) and not _LATIN.search(word)


@functools.lru_cache(maxsize=50_000)
def normal_form(word: str) -> str:
    """The normal spelling of one word as typed: chat words written out, misspelled words as they sound, and so on.

    A word that nothing is known of comes back in lower case. May hold spaces (`idk` becomes `weet ik niet`).
    """
    return heard(typed_form(word))


def typed_form(word: str) -> str:
    """The word in lower case, chat words written out, repeated letters and leetspeak undone."""
    word = word.replace("\u2063", "").lower()
    if word in CHAT_WORDS:
        return CHAT_WORDS[word]
    if (_LEET_WORD.match(word) and not word[0].isdigit()) or (
        _LEET_WORD.match(word)
        and sum(map(str.isalpha, word)) >= len(word) - 2
        and not re.match(r"^\d+(?:e|de|ste|uur|x|jr|j)$", word)
    ):
        word = word.translate(_LEET)
    if _REPEATED.search(word):
        for shorter in (_REPEATED.sub(r"\1\1", word), _REPEATED.sub(r"\1", word)):
            if shorter in CHAT_WORDS:
                return CHAT_WORDS[shorter]
        # "boooos" is "boos" and "neeeee" is "nee", but "stommmm" is "stom": vowels stay double.
        word = re.sub(r"([aeou])\1{2,}", r"\1\1", word)
        word = re.sub(r"([^\W\d_])\1{2,}", r"\1", word)
    return word


_TOKEN = re.compile(r"[^\W_]+(?:['’@$!\-]?[^\W_]+)*|[^\w\s]", re.UNICODE)


# Letters typed one by one: "i k  w i l", "d o o d".
_TYPED_APART = re.compile(r"(?<![\w'])[^\W\d_](?:\s+[^\W\d_]){3,}(?![\w'])")
_WIDE_SPACE = re.compile(r"\s{2,}")


def _together(run: re.Match[str]) -> str:
    """Letters typed apart as words: where the spaces are wider a word ends, else the words are glued."""
    return " ".join("".join(word.split()) for word in _WIDE_SPACE.split(run.group()))


def normalize(text: str) -> str:
    """The whole text in normal spelling, one space between words; what the sentence encoder and the n-grams read."""
    written = _TYPED_APART.sub(_together, clean(text).replace("\u2063", ""))
    words = (normal_form(match.group()) for match in _TOKEN.finditer(written))
    return " ".join(words)
