"""The project's Dutch spaCy pipeline: chat spelling, lemmas by table, and rulers for entities and people from the lookup files.

No trained Dutch pipeline is on PyPI, so this one is built at set-up (`wijzer train`) and is the default. With
`SPACY_MODEL=nl_core_news_md` an official one takes its place; the components below are then added on top of it.
`bot.language.packaging` makes an installable package of it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

# Registers the factories, which `spacy.load` needs.
import bot.language.chat_components  # noqa: F401
from bot.language.sounding import dutch_lemmas
from bot.language.spelling import normal_form

PIPELINE_NAME = "wijzer"
PIPELINE_VERSION = "1.1.0"
PACKAGE_NAME = f"nl_{PIPELINE_NAME}"
# Entities: one a line, the file's name is the entity's. People: the same, the file's name is who they are to the writer.
LOOKUP_DIRECTORY = Path(__file__).resolve().parents[2] / "nlu_data" / "lookup"
PEOPLE_DIRECTORY = LOOKUP_DIRECTORY / "people"
VERB_FORMS_FILE = Path(__file__).resolve().parent / "verb_forms.txt"
ENTITIES, PEOPLE = "wijzer_entities", "wijzer_people"
# Where the spans of people stand: `doc.spans[PEOPLE_KEY]`.
PEOPLE_KEY = "people"


class PipelineError(RuntimeError):
    """The spaCy pipeline cannot be loaded; the message says what to do."""


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
    nlp.meta.update(
        {
            "name": PIPELINE_NAME,
            "version": PIPELINE_VERSION,
            "description": "Dutch as people type it about separation: chat spelling, lemmas, entities, people",
            "author": "Scheidingswijzer",
            "license": "MIT",
        }
    )
    _add_components(nlp, dutch_lemmas() | verb_forms())
    return nlp


def _add_components(nlp: Language, lemmas: dict[str, str]) -> None:
    # The norm has to be there before the rulers, which match on it.
    if "chat_spelling" not in nlp.pipe_names:
        nlp.add_pipe("chat_spelling")
    if "chat_lemmas" not in nlp.pipe_names:
        nlp.add_pipe("chat_lemmas").lemmas = lemmas  # type: ignore[attr-defined]
    if ENTITIES not in nlp.pipe_names:
        ruler = nlp.add_pipe(
            "entity_ruler",
            name=ENTITIES,
            config={"phrase_matcher_attr": "NORM", "overwrite_ents": True, "validate": False},
        )
        ruler.add_patterns(list(patterns_of(LOOKUP_DIRECTORY)))  # type: ignore[attr-defined]
    if PEOPLE not in nlp.pipe_names:
        ruler = nlp.add_pipe("span_ruler", name=PEOPLE, config={"spans_key": PEOPLE_KEY, "validate": False})
        ruler.add_patterns(list(patterns_of(PEOPLE_DIRECTORY)))  # type: ignore[attr-defined]


def patterns_of(directory: Path) -> Iterator[dict[str, Any]]:
    """A ruler's patterns: one for each line of the files in a directory; the file's name is the label."""
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
    own = Path(model).name == PACKAGE_NAME
    if own and Path(model).name != model and not Path(model).exists():
        raise PipelineError(f"the spaCy pipeline {model} is missing: run `make` to build it")
    try:
        # The own pipeline splits words as spaCy's Dutch does by default: reading that again takes two seconds.
        nlp = spacy.load(model, exclude=["tokenizer"] if own else [])
    except OSError as error:
        raise PipelineError(
            f"the spaCy pipeline {model!r} cannot be loaded ({error}): install it, or leave SPACY_MODEL empty"
        ) from error
    if nlp.meta.get("name") != PIPELINE_NAME:
        _add_components(nlp, dutch_lemmas() | verb_forms())
    return nlp
