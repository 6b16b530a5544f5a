"""The project's Dutch spaCy pipeline: chat spelling, lemmas by table, and an entity ruler from the lookup files.

No trained Dutch pipeline is on PyPI, so this one is built at set-up (`wijzer train`) and is the default. With
`SPACY_MODEL=nl_core_news_md` an official one takes its place; the components below are then added on top of it.
"""

# No `from __future__ import annotations` here: spaCy 3.4 reads the factories' annotations at run time.
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from bot.language.sounding import dutch_lemmas
from bot.language.spelling import clean, normal_form

PIPELINE_NAME = "wijzer"
PIPELINE_VERSION = "1.0.0"
LOOKUP_DIRECTORY = Path(__file__).resolve().parents[2] / "nlu_data" / "lookup"
VERB_FORMS_FILE = Path(__file__).resolve().parent / "verb_forms.txt"


class PipelineError(RuntimeError):
    """The spaCy pipeline cannot be loaded; the message says what to do."""


@Language.factory("chat_spelling")
class ChatSpelling:
    """Sets each token's `norm_` to its normal spelling; the token's text stays as typed."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        for token in doc:
            token.norm_ = normal_form(clean(token.text).replace("\u2063", ""))
        return doc


@Language.factory("chat_lemmas", default_config={"lemmas": None})
class ChatLemmas:
    """Sets each token's `lemma_` from its normal spelling, by a table of Dutch lemmas and one of verb forms.

    The tables are part of the pipeline's directory, as strong verbs (`geslagen`, `sloeg`) are missing in spaCy's own.
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


def verb_forms(file: Path = VERB_FORMS_FILE) -> dict[str, str]:
    """Form to infinitive, from lines such as `slaan: sla slaat sloeg sloegen geslagen`."""
    forms = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            infinitive, _, rest = line.partition(":")
            forms[infinitive.strip()] = infinitive.strip()
            forms.update(dict.fromkeys(rest.split(), infinitive.strip()))
    return forms


def build_pipeline() -> Language:
    """The pipeline from its sources: spaCy's Dutch tokenizer, the lemma tables and `nlu_data/lookup/`."""
    nlp = spacy.blank("nl")
    nlp.meta.update({"name": PIPELINE_NAME, "version": PIPELINE_VERSION, "license": "MIT"})
    nlp.meta["description"] = "Dutch as people type it about separation: chat spelling, lemmas, entities"
    _add_components(nlp, dutch_lemmas() | verb_forms())
    return nlp


def _add_components(nlp: Language, lemmas: dict[str, str]) -> None:
    # The norm has to be there before the ruler, which matches on it.
    if "chat_spelling" not in nlp.pipe_names:
        nlp.add_pipe("chat_spelling")
    if "chat_lemmas" not in nlp.pipe_names:
        component = nlp.add_pipe("chat_lemmas")
        assert isinstance(component, ChatLemmas)
        component.lemmas = lemmas
    if "wijzer_entities" not in nlp.pipe_names:
        ruler = nlp.add_pipe(
            "entity_ruler",
            name="wijzer_entities",
            config={"phrase_matcher_attr": "NORM", "overwrite_ents": True, "validate": False},
        )
        ruler.add_patterns(list(entity_patterns(nlp)))  # type: ignore[attr-defined]


def entity_patterns(nlp: Language, directory: Path = LOOKUP_DIRECTORY) -> Iterator[dict[str, Any]]:
    """The ruler's patterns: one for each line of the lookup files; the file's name is the entity's."""
    tokenizer = spacy.blank("nl").tokenizer
    for path in sorted(directory.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                words = [normal_form(token.text) for token in tokenizer(line.strip())]
                yield {"label": path.stem, "pattern": [{"NORM": word} for word in words]}


@functools.lru_cache(maxsize=2)
def load_pipeline(model: str) -> Language:
    """The pipeline by path or package name, with the project's components in it.

    Raises:
        PipelineError: there is none by that name, or it is damaged.
    """
    if Path(model).name == "nl_wijzer" and not Path(model).exists():
        raise PipelineError(f"the spaCy pipeline {model} is missing: run `make` to build it")
    try:
        # The own pipeline splits words as spaCy's Dutch does by default: reading that again takes two seconds.
        nlp = spacy.load(model, exclude=["tokenizer"] if Path(model).name == f"nl_{PIPELINE_NAME}" else [])
    except OSError as error:
        raise PipelineError(
            f"the spaCy pipeline {model!r} cannot be loaded ({error}): install it, or leave SPACY_MODEL empty"
        ) from error
    if nlp.meta.get("name") != PIPELINE_NAME:
        _add_components(nlp, dutch_lemmas() | verb_forms())
    return nlp
