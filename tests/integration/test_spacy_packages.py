"""spaCy packages: the project's own one, installed and loaded without the project, and an official one in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from rasa.shared.nlu.training_data.message import Message
from spacy.language import Language
from spacy.lookups import Lookups

from bot.language.components import DutchReader
from bot.language.packaging import package_pipeline
from bot.language.pipeline import PEOPLE_KEY, PipelineError, build_pipeline, load_pipeline
from bot.risk.patterns import PatternReader
from bot.risk.reader import RULES_DIRECTORY
from bot.risk.rules import read_rules

TEXTS = (
    "ik hb een mediator nodig, mn vader heeft me geslagen",
    "Ik ben de moeder van twee kids en zoek het spreekuur in Helmond",
    "wrm gaan me ouders nou uit elkaar??",
    "Villa Pinedo en KIES, bestaan die nog?",
    "",
)
# Run by a Python that has the installed package and not this project.
READ_WITHOUT_THE_PROJECT = """
import json, sys
import spacy
nlp = spacy.load("nl_wijzer")
assert not any(name == "bot" or name.startswith("bot.") for name in sys.modules)
found = []
for text in json.loads(sys.argv[1]):
    doc = nlp(text)
    found.append({
        "lemmas": [[token.text, token.norm_, token.lemma_] for token in doc],
        "entities": [[one.text, one.label_] for one in doc.ents],
        "people": [[one.text, one.label_] for one in doc.spans["people"]],
    })
print(json.dumps({"found": found, "meta": nlp.meta}))
"""


def reading(nlp: Language, text: str) -> dict[str, Any]:
    doc = nlp(text)
    return {
        "lemmas": [[token.text, token.norm_, token.lemma_] for token in doc],
        "entities": [[one.text, one.label_] for one in doc.ents],
        "people": [[one.text, one.label_] for one in doc.spans[PEOPLE_KEY]],
    }


@pytest.fixture(scope="module")
def own() -> Language:
    return build_pipeline()


def installed(file: Path, directory: Path) -> dict[str, Any]:
    """What the installed package gives for the texts, in a process of its own without this project."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(directory), str(file)], check=True)
    environment = os.environ | {"PYTHONPATH": str(directory), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", READ_WITHOUT_THE_PROJECT, json.dumps(TEXTS)]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_pipeline_is_installed_by_pip_and_reads_the_same_without_the_project(
    own: Language, tmp_path: Path, kind: str
) -> None:
    result = installed(package_pipeline(tmp_path / "built", kind), tmp_path / "site")
    assert result["found"] == [reading(own, text) for text in TEXTS]
    assert ["geslagen", "geslagen", "slaan"] in result["found"][0]["lemmas"]
    assert ["mediator", "hulpvorm"] in result["found"][0]["entities"]
    assert ["vader", "ouder"] in result["found"][0]["people"]


def test_the_package_says_what_it_is(own: Language, tmp_path: Path) -> None:
    file = package_pipeline(tmp_path)
    meta = json.loads((file.parents[1] / "meta.json").read_text())
    assert (meta["lang"], meta["name"], meta["license"]) == ("nl", "wijzer", "MIT")
    assert meta["version"] in file.name
    assert meta["description"]
    assert meta["components"] == ["chat_spelling", "chat_lemmas", "wijzer_entities", "wijzer_people"]
    assert meta["labels"]["wijzer_entities"] == ["hulpvorm", "organisatie", "rol"]
    assert {name.split(">")[0] for name in meta["requirements"]} == {"spacy-lookups-data", "rapidfuzz"}


def test_the_packaged_pipeline_is_loaded_in_the_project_too(
    own: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = package_pipeline(tmp_path)
    monkeypatch.syspath_prepend(str(file.parents[1]))
    loaded = load_pipeline.__wrapped__("nl_wijzer")
    assert [reading(loaded, text) for text in TEXTS] == [reading(own, text) for text in TEXTS]


@pytest.fixture(scope="module", params=["nl_core_news_sm", "nl_core_news_md", "nl_core_news_lg"])
def official(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A package with the name and form of an official Dutch one: vectors, lemmas and entities of its own."""
    directory = tmp_path_factory.mktemp("site")
    _write_official(directory, request.param)
    sys.path.insert(0, str(directory))
    yield request.param
    sys.path.remove(str(directory))
    sys.modules.pop(request.param, None)
    load_pipeline.cache_clear()


def _write_official(directory: Path, package: str) -> None:
    nlp = spacy.blank("nl")
    nlp.meta.update({"name": package.removeprefix("nl_"), "version": "3.4.0", "description": "a stand-in"})
    nlp.add_pipe("sentencizer")
    lookups = Lookups()
    lookups.add_table("lemma_lookup", {"geslagen": "geslagen (by another lemmatizer)", "ouders": "ouder"})
    nlp.add_pipe("lemmatizer", config={"mode": "lookup"}).initialize(lookups=lookups)
    names = nlp.add_pipe("entity_ruler", name="ner")
    names.add_patterns([{"label": "PER", "pattern": "Daan"}, {"label": "LOC", "pattern": "mediator"}])
    for word in ("vader", "moeder"):
        nlp.vocab.set_vector(word, np.ones(8, dtype="float32"))
    code = directory / package
    code.mkdir()
    nlp.to_disk(code / f"{package}-3.4.0")
    # By this spaCy knows that a package is installed.
    information = directory / f"{package}-3.4.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 3.4.0\n")
    (code / "meta.json").write_text((code / f"{package}-3.4.0" / "meta.json").read_text())
    (code / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n\n\n"
        "def load(**overrides):\n    return load_model_from_init_py(__file__, **overrides)\n"
    )


def test_on_an_official_package_our_components_come_on_top(official: str, own: Language) -> None:
    nlp = load_pipeline(official)
    assert nlp.pipe_names == [
        "sentencizer",
        "lemmatizer",
        "ner",
        "chat_spelling",
        "chat_lemmas",
        "wijzer_entities",
        "wijzer_people",
    ]
    assert nlp.vocab.vectors_length == 8
    assert nlp("vader")[0].has_vector
    assert len(list(nlp("Ik ben 9. Mijn vader is weg.").sents)) == 2
    for text in TEXTS:
        assert reading(nlp, text) == reading(own, text)


def test_on_an_official_package_the_patterns_of_danger_read_the_same(official: str, own: Language) -> None:
    nlp = load_pipeline(official)
    here, there = PatternReader(own, RULES_DIRECTORY), PatternReader(nlp, RULES_DIRECTORY)
    examples = [rule.fires[0] for rule in read_rules(RULES_DIRECTORY) if rule.fires]
    assert len(examples) > 50
    for example in examples:
        assert there.read(nlp(example)) == here.read(own(example)), example


def test_spacy_model_swaps_the_official_package_in(official: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_MODEL", official)
    reader = DutchReader(DutchReader.get_default_config())
    message = Message.build("Daan en ik zoeken een mediator in Helmond, mijn vader ook")
    reader.process([message])
    found = {(entity["entity"], entity["value"]) for entity in message.get("entities")}
    # What the official package finds by itself (PER, LOC) means nothing in the dialogue.
    assert found == {("hulpvorm", "mediator"), ("plaats", "Helmond")}
    assert message.get("municipality") == "Helmond"
    assert [one["who"] for one in message.get("people")] == ["ouder"]


def test_a_package_that_is_not_installed_is_named_with_what_to_do() -> None:
    with pytest.raises(PipelineError, match="SPACY_MODEL"):
        load_pipeline("nl_core_news_xxl")
    with pytest.raises(PipelineError, match="make"):
        load_pipeline("/nowhere/nl_wijzer")
