"""What the bot says at danger: acknowledge, 112 first when acute, then the lines for the category and audience.

Works without Rasa and without the database, so that there is always a safe answer.
"""

from __future__ import annotations

from bot.directory.helplines import EMERGENCY, lines_for
from bot.handoff.texts import exists, text
from bot.risk.reading import RiskReading, severity

SHOWN_LINES = 3
PERPETRATOR = "perpetrator"


def safety_texts(reading: RiskReading, audience: str | None) -> list[str]:
    """The texts for a message that is read as high or acute, in the order in which they are sent."""
    level = "acute" if reading.level == "acute" else "high"
    spoken = text(_name(reading, level), audience)
    return [spoken, _lines(reading, audience)]


def _name(reading: RiskReading, level: str) -> str:
    if any(PERPETRATOR in part.name for part in reading.parts if severity(part.level) >= severity("high")):
        return f"safety_{level}_{PERPETRATOR}"
    name = f"safety_{level}_{reading.category}"
    return name if exists(name) else "safety_technical"


def _lines(reading: RiskReading, audience: str | None) -> str:
    """Helplines for the category, 112 among them only where it was not said first."""
    shown = [line for line in lines_for(reading.category, audience) if reading.level != "acute" or line.id != EMERGENCY]
    blocks = [text("helplines_intro", audience), *(line.as_text() for line in shown[:SHOWN_LINES])]
    return "\n\n".join(blocks)


def concern_texts(reading: RiskReading, audience: str | None) -> list[str]:
    """What is added to a normal answer at a `concern`: the line that fits, and the offer of a human."""
    shown = [line for line in lines_for(reading.category, audience) if line.id != EMERGENCY][:1]
    lines = "\n\n".join(line.as_text() for line in shown)
    return [part for part in (lines, text("concern_offer", audience)) if part]
