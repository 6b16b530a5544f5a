"""Which pieces of the vocabulary are kept: those that words of the offered languages need, and every single character."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from wordfreq import top_n_list

from bot.language.finetuning.e5_file import Vocabulary
from bot.language.tokenization import PieceTokenizer

# How many of the most frequent words of each language (ISO 639-1) keep their pieces.
WORDS = {
    "nl": 300_000,
    "en": 40_000,
    "de": 25_000,
    "fr": 25_000,
    "es": 8_000,
    "tr": 20_000,
    "pl": 20_000,
    "ar": 20_000,
    "uk": 20_000,
}


def kept_pieces(vocabulary: Vocabulary, texts: Iterable[str]) -> NDArray[np.int64]:
    """Numbers of the pieces to keep, rising; the texts are the training data and the product's own words."""
    tokenizer = pruned_tokenizer(vocabulary, range(len(vocabulary.pieces)))
    kept = {vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unknown}
    for language, count in WORDS.items():
        for word in top_n_list(language, count):
            kept.update(tokenizer.encode(word))
    for text in texts:
        kept.update(tokenizer.encode(text))
        # Spelling is often broken: also the pieces of words with a capital and without their first letter.
        for word in text.split():
            kept.update(tokenizer.encode(word.capitalize()))
            kept.update(tokenizer.encode(word[1:]))
    kept.update(
        number for number, (piece, _) in enumerate(vocabulary.pieces) if len(piece) == 1 and ord(piece) < 0x0700
    )
    kept.update(number for number, (piece, _) in enumerate(vocabulary.pieces) if _is_short_latin(piece))
    return np.array(sorted(kept), dtype=np.int64)


def _is_short_latin(piece: str) -> bool:
    plain = piece.lstrip("\u2581")
    return len(plain) <= 3 and plain.isascii()


def pruned_tokenizer(vocabulary: Vocabulary, kept: Sequence[int] | NDArray[np.int64]) -> PieceTokenizer:
    """The tokenizer with the kept pieces, numbered anew."""
    numbers = {int(old): new for new, old in enumerate(kept)}
    special = {
        "bos": numbers[vocabulary.bos],
        "eos": numbers[vocabulary.eos],
        "pad": numbers[vocabulary.pad],
        "unknown": numbers[vocabulary.unknown],
    }
    return PieceTokenizer([vocabulary.pieces[int(old)] for old in kept], special, vocabulary.normal)
