"""SentencePiece unigram tokenization with the library `tokenizers`, as multilingual-e5-small was trained with."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace

PREFIX = "query: "
MAXIMUM_TOKENS = 160
_SPACES = re.compile(" {2,}")


class PieceTokenizer:
    """Token numbers of a text.

    Args:
        pieces: pieces with their log-probabilities; the number of a piece is its place.
        special: numbers of `bos`, `eos`, `pad` and `unknown`.
        normal: what a character is replaced by before, by code point.
    """

    def __init__(self, pieces: list[tuple[str, float]], special: dict[str, int], normal: dict[int, str]) -> None:
        self.pieces = pieces
        self.special = special
        self.normal = normal
        self._tokenizer = Tokenizer(Unigram(pieces, special["unknown"], False))
        self._tokenizer.pre_tokenizer = Metaspace(prepend_scheme="always")

    def encode(self, text: str) -> list[int]:
        """Numbers of the pieces of `query: ` and the text between the marks of begin and end, at most 160."""
        plain = _SPACES.sub(" ", (PREFIX + text).translate(self.normal))
        ids = self._tokenizer.encode(plain, add_special_tokens=False).ids[: MAXIMUM_TOKENS - 2]
        return [self.special["bos"], *ids, self.special["eos"]]

    def save(self, file: Path) -> None:
        """Write pieces and map as JSON."""
        pieces = [[piece, round(score, 4)] for piece, score in self.pieces]
        content = {"special": self.special, "normal": self.normal, "pieces": pieces}
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> PieceTokenizer:
        """Read what `save` wrote."""
        content = json.loads(file.read_text(encoding="utf-8"))
        normal = {int(point): value for point, value in content["normal"].items()}
        return cls([(piece, score) for piece, score in content["pieces"]], content["special"], normal)
