"""The project's own spaCy components: chat spelling and lemmas by table.

`bot.language.packaging` ships this file inside the installable pipeline, so it imports nothing but its fellows there.
"""

# No `from __future__ import annotations` here: spaCy 3.4 reads the factories' annotations at run time.
import json
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from bot.language.spelling import clean, normal_form


class ChatSpelling:
    """Sets each token's `norm_` to its normal spelling; the token's text stays as typed."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        for token in doc:
            token.norm_ = normal_form(clean(token.text).replace("\u2063", ""))
        return doc


class ChatLemmas:
    """Sets each token's `lemma_` from its normal spelling, by a table of Dutch lemmas and one of verb forms.

    The tables are part of the pipeline's directory, as strong verbs (`geslagen`, `sloeg`) are missing in spaCy's own. On top
    of a trained pipeline this component has the last word: the patterns of danger are written in its lemmas.
    """

    def __init__(self, nlp: Language, name: str, lemmas: dict[str, str] | None) -> None:
        self.name = name
        self.lemmas: dict[str, str] = lemmas or {}

    def __call__(self, doc: Doc) -> Doc:
        for token in doc:
            token.lemma_ = self.lemmas.get(token.norm_, token.norm_)
        return doc

    def to_disk(self, path: Path, exclude: Any = ()) -> None:
        """Write the table beside the pipeline's other parts."""
        path.mkdir(parents=True, exist_ok=True)
        (path / "lemmas.json").write_text(json.dumps(self.lemmas, ensure_ascii=False), encoding="utf-8")

    def from_disk(self, path: Path, exclude: Any = ()) -> "ChatLemmas":
        """Read the table again."""
        self.lemmas = json.loads((Path(path) / "lemmas.json").read_text(encoding="utf-8"))
        return self


# An installed pipeline brings a copy of this file: whichever is imported first is used.
if not Language.has_factory("chat_spelling"):
    Language.factory("chat_spelling", func=ChatSpelling)
if not Language.has_factory("chat_lemmas"):
    Language.factory("chat_lemmas", default_config={"lemmas": None}, func=ChatLemmas)
