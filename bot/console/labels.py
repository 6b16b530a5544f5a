"""What levels, categories, channels and states are called in the console (Dutch)."""

from __future__ import annotations

LEVELS = {"acute": "Acuut", "high": "Hoog", "concern": "Zorg", "none": "Vraag"}
# What a message was, by somebody who read it.
JUDGEMENTS = {"none": "Geen gevaar", "concern": "Zorg", "high": "Hoog", "acute": "Acuut"}
CATEGORIES = {
    "suicide": "Gedachten aan de dood of suïcide",
    "self_harm": "Zichzelf pijn doen",
    "physical_abuse": "Lichamelijke mishandeling",
    "emotional_abuse": "Emotionele mishandeling",
    "sexual_abuse": "Seksueel misbruik",
    "neglect": "Verwaarlozing",
    "domestic_violence": "Geweld tussen (ex-)partners",
    "threat_to_life": "Levensgevaar of wapen",
    "abduction": "Ontvoering of meenemen",
    "runaway": "Weggelopen of geen slaapplek",
    "honour_violence": "Eergeweld of huwelijksdwang",
    "stalking": "Stalking",
    "harm_to_others": "Wil een ander iets aandoen",
}
REASONS = {
    "risk": "Signaal van gevaar",
    "request": "Vraagt om een mens",
    "language": "Schrijft een andere taal",
    "error": "Wijzer kon niet antwoorden",
}
CHANNELS = {"telegram": "Telegram", "web": "Webchat", "terminal": "Terminal"}
AUDIENCES = {
    "child": "Kind (8-11)",
    "teen": "Jongere (12-17)",
    "parent": "Ouder",
    "professional": "Professional",
}
STATES = {"waiting": "Wacht", "active": "In gesprek", "closed": "Gesloten"}
HANDOFFS = {"waiting": "wacht op een mens", "active": "in gesprek met een mens"}
DELIVERIES = {"pending": "wordt verstuurd", "sent": "verstuurd", "failed": "niet aangekomen"}
EVENTS = {
    "opened": "Zaak geopend",
    "raised": "Nieuw signaal",
    "claimed": "Overgenomen",
    "taken_over": "Overgenomen van een collega",
    "replied": "Antwoord gestuurd",
    "given_back": "Teruggegeven aan Wijzer",
    "closed": "Gesloten",
    "corrected": "Bericht beoordeeld",
}
# What made a sign lighter or graver than its words alone (the effects of `bot.risk.context` and `bot.risk.reader`).
LOWERED = {
    "no-longer": "het gebeurt niet meer",
    "past": "het is verteld als iets van vroeger",
    "hypothetical": "het is verteld als iets wat zou kunnen gebeuren",
    "dream": "het was een droom",
    "among-children": "het gaat om kinderen onder elkaar",
    "doubted": "het leesmodel vindt het bericht als geheel niet gevaarlijk",
    "context": "wat eromheen staat maakt het onschuldig, zoals een uitdrukking, een ontkenning of een spel",
}
RAISED = {
    "now": "het gebeurt nu of vandaag",
    "injured": "er is letsel",
    "trapped": "iemand kan niet weg",
    "weapon": "er is een wapen",
    "plan": "er is een plan",
}


def level_label(level: str | None) -> str:
    """The level in one word; `Vraag` when no danger was read."""
    return LEVELS.get(level or "none", LEVELS["none"])


def category_label(category: str | None, reason: str | None = None) -> str:
    """The category, or else why there is a case."""
    if category:
        return CATEGORIES.get(category, category)
    return REASONS.get(reason or "", "Gesprek")


def audience_label(audience: str | None) -> str:
    """For whom the bot writes; `Onbekend` when the person did not say."""
    return AUDIENCES.get(audience or "", "Wie: onbekend")


def judgement_label(level: str, category: str | None) -> str:
    """What staff said that a message was: `Hoog: Stalking`, or `Geen gevaar`."""
    return f"{JUDGEMENTS[level]}: {category_label(category)}" if category else JUDGEMENTS[level]


def effect_label(name: str) -> str:
    """What made a sign lighter or graver, as the end of a sentence."""
    return LOWERED.get(name) or RAISED.get(name) or name


def part_label(name: str) -> str:
    """What one part of the risk reader does, in plain words.

    Args:
        name: of the part and its rule, such as `pattern:suicide/dood-willen`, `classifier` or `memory:answer`.
    """
    kind, _, detail = name.partition(":")
    if kind == "pattern":
        rule = detail.rpartition("/")[2].replace("-", " ").replace("_", " ")
        return f"Patroon “{rule}”"
    if kind == "classifier":
        return "Leesmodel: het bericht lijkt op andere berichten van deze soort"
    if kind == "memory":
        found = {
            "answer": "antwoord op een vraag over een eerder signaal",
            "together": "samen met de berichten ervoor gelezen",
            "build-up": "meer signalen van deze soort in één gesprek",
        }.get(detail, "door wat er eerder in het gesprek stond")
        return f"Geheugen van het gesprek: {found}"
    if kind == "error":
        return "Een deel van de controle werkte niet: kijk zelf goed"
    return name
