"""The language room as Rasa NLU components: tokens and entities, meaning, intent.

Their order in `config/config.yml`: DutchReader, MeaningReader, IntentReader, then Rasa's FallbackClassifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language.classifier import IntentModel, Ranked
from bot.language.detection import detect_language
from bot.language.encoder import EncodingCache, Vectors, mean_of, sentence_encoder
from bot.language.persona import age_of, read_persona
from bot.language.pipeline import ENTITIES as OWN_ENTITIES
from bot.language.pipeline import PEOPLE_KEY, load_pipeline
from bot.language.places import PlaceReader
from bot.language.questions import questions_of
from bot.language.spelling import SPELLING_SOURCES, normalize
from bot.settings import load_settings

DOC = "text_spacy_doc"
NORMAL_TEXT = "normal_text"
WINDOWS = "vectors_of_windows"
RANKED_INTENTS = 10
# Longer texts are read to this length; the risk reader's patterns read all of it.
MAXIMUM_LENGTH = 4_000


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class DutchReader(Tokenizer):
    """Reads tokens, entities, language, municipality and who is talking, with the spaCy pipeline of the settings.

    Sets on a message: tokens, `entities`, `language` (ISO 639-1), `municipality` (CBS name or None), `people`
    (`{"who", "start", "end"}`, see `nlu_data/lookup/people/`) and `persona` (`{"audience", "certain"}` or None).
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._nlp = load_pipeline(load_settings().spacy_model)
        # A trained pipeline finds persons and organisations of its own; they mean nothing in the dialogue.
        self._labels = frozenset(self._nlp.get_pipe(OWN_ENTITIES).labels)
        self._places = PlaceReader()

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Rasa's settings of a tokenizer; intents are not split."""
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    @staticmethod
    def required_packages() -> list[str]:
        """Python packages that this component needs."""
        return ["spacy"]

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Tokens with their lemma; at run time the spaCy document stays on the message for the components after it."""
        doc = self._nlp(message.get(attribute) or "")
        if attribute == TEXT:
            message.set(DOC, doc)
        return [Token(token.text, token.idx, lemma=token.lemma_) for token in doc if not token.is_space]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Tokens for Rasa's own evaluation; the documents would only fill Rasa's cache."""
        training_data = super().process_training_data(training_data)
        for example in training_data.training_examples:
            example.data.pop(DOC, None)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Read new messages."""
        for message in super().process(messages):
            text = message.get(TEXT) or ""
            place = self._places.read(text)
            persona = read_persona(text[:MAXIMUM_LENGTH])
            message.set(NORMAL_TEXT, normalize(text[:MAXIMUM_LENGTH]))
            message.set(ENTITIES, self._entities(message, text, place), add_to_output=True)
            message.set("people", self._people(message), add_to_output=True)
            message.set("language", detect_language(text), add_to_output=True)
            message.set("municipality", place.municipality, add_to_output=True)
            message.set(
                "persona",
                {"audience": persona.audience, "certain": persona.certain} if persona else None,
                add_to_output=True,
            )
        return messages

    def _entities(self, message: Message, text: str, place: Any) -> list[dict[str, Any]]:
        doc = message.get(DOC)
        entities = list(message.get(ENTITIES) or ())
        for found in doc.ents if doc is not None else ():
            if found.label_ not in self._labels:
                continue
            entities.append(_entity(found.label_, found.start_char, found.end_char, found.text))
        for mention in place.mentions:
            entities.append(_entity("plaats", mention.start, mention.end, mention.name))
        age = age_of(text[:MAXIMUM_LENGTH])
        if age is not None:
            position = max(text.find(str(age)), 0)
            entities.append(_entity("leeftijd", position, position + len(str(age)), str(age)))
        return entities

    def _people(self, message: Message) -> list[dict[str, Any]]:
        doc = message.get(DOC)
        return [
            {"who": span.label_, "start": span.start_char, "end": span.end_char}
            for span in (doc.spans.get(PEOPLE_KEY, ()) if doc is not None else ())
        ]


def _entity(kind: str, start: int, end: int, value: str) -> dict[str, Any]:
    return {"entity": kind, "start": start, "end": end, "value": value, "extractor": "DutchReader"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MeaningReader(GraphComponent):
    """Sets the sentence vectors of each new message, one for each window of it, for the components after it."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MeaningReader:
        """Make the component; it has no settings."""
        return cls()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing: the intent reader takes the vectors of the examples from the cache."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Encode new messages."""
        encoder = sentence_encoder()
        for message in messages:
            windows = encoder.encode_windows(message.get(NORMAL_TEXT) or "")
            message.set(WINDOWS, windows)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentReader(GraphComponent, IntentClassifier):
    """Chooses the intent; see `bot.language.classifier.IntentModel`."""

    # Set by `wijzer train`, which shows how far the encoding is.
    progress: Callable[[int, int], None] | None = None

    def __init__(self, storage: ModelStorage, resource: Resource, model: IntentModel | None = None) -> None:
        self._storage = storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentReader:
        """Make an untrained component."""
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> IntentReader:
        """Make the component that `train` stored."""
        with model_storage.read_from(resource) as directory:
            return cls(model_storage, resource, IntentModel.load(Path(directory)))

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Rasa looks at this class only; a change of the model or the spelling has to train again, too."""
        here = Path(__file__).parent
        files = [here / "classifier.py", here / "encoder.py", *SPELLING_SOURCES, here / "model" / "card.json"]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Train on all examples; encodings of those that are new to the encoder come from the cache that ships with the data."""
        texts = [normalize(example.get(TEXT)) for example in training_data.intent_examples]
        intents = [example.get(INTENT) for example in training_data.intent_examples]
        cache = EncodingCache()
        encoder = sentence_encoder()
        unseen = ~encoder.is_trained_on([example.get(TEXT) for example in training_data.intent_examples])
        vectors = encoder.encode_many([text for text, new in zip(texts, unseen) if new], cache, type(self).progress)
        cache.save()
        head = encoder.heads(vectors).intents
        self._model = IntentModel.train(texts, head, encoder.intents, unseen, intents)
        with self._storage.write_to(self._resource) as directory:
            self._model.save(Path(directory))
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent and ranking of new messages; `questions` where one asks several things."""
        for message in messages:
            ranking = self._rank(message.get(NORMAL_TEXT) or "", message.get(WINDOWS))[:RANKED_INTENTS]
            values = [_as_dict(one) for one in ranking]
            message.set(INTENT, values[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, values, add_to_output=True)
            asked = questions_of((message.get(TEXT) or "")[:MAXIMUM_LENGTH], self._rank_part)
            message.set("questions", [_as_dict(one.intent) for one in asked], add_to_output=True)
        return messages

    def _rank_part(self, part: str) -> list[Ranked]:
        normal = normalize(part)
        return self._rank(normal, sentence_encoder().encode_windows(normal))

    def _rank(self, normal_text: str, windows: Vectors) -> list[Ranked]:
        assert self._model is not None
        return self._model.rank(normal_text, sentence_encoder().heads(mean_of(windows)[None]).intents)


def _as_dict(one: Ranked) -> dict[str, Any]:
    return {"name": one.name, "confidence": one.confidence}
