"""Texts as Telegram takes them: at most 4096 long, and valid Unicode."""

from __future__ import annotations

# https://core.telegram.org/bots/api#sendmessage; counted in UTF-16 code units, as the rest of the Bot API counts.
MAXIMUM_LENGTH = 4096
# Where a text may be cut, the best place first.
BREAKS = ("\n\n", "\n", ". ", " ")


def parts_of(text: str, maximum: int = MAXIMUM_LENGTH) -> list[str]:
    """The text in pieces of at most `maximum` UTF-16 code units, cut between paragraphs, lines, sentences or words.

    Lone surrogates, which people's phones do send, become a replacement character: Telegram's servers refuse them.
    """
    rest = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()
    parts = []
    while _length(rest) > maximum:
        end = _cut(rest, maximum)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*parts, rest]


def _cut(text: str, maximum: int) -> int:
    """Where to end the first part. A break in its first half would make a needlessly short one."""
    end = _fitting(text, maximum)
    for separator in BREAKS:
        found = text.rfind(separator, end // 2, end)
        if found > 0:
            return found + len(separator)
    return end


def _fitting(text: str, maximum: int) -> int:
    """How many characters of the text fit."""
    used = 0
    for position, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > maximum:
            return position
    return len(text)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
