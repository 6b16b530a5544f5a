"""The risk reader as a Rasa NLU component: every message gets a reading, whatever its intent."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language.components import DOC, WINDOWS
from bot.risk.reader import RISK_DATA_DIRECTORY, RiskReader


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class RiskComponent(GraphComponent):
    """Sets `risk` on each message (`bot.risk.reading.RiskReading.as_dict`). Trained from `nlu_data/risk/`."""

    def __init__(self, resource: Resource, reader: RiskReader | None = None) -> None:
        self._resource = resource
        self._reader = reader

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RiskComponent:
        """The component before training, without a reader."""
        return cls(resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> RiskComponent:
        """The reader keeps its own trained file (`models/risk.npz`), so that the engine reads with the same one."""
        return cls(resource, RiskReader.of_settings())

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Train again when the risk data or the reader changed."""
        files = [*sorted(RISK_DATA_DIRECTORY.glob("*.jsonl")), *sorted(Path(__file__).parent.glob("*.py"))]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Train the reader's classifier where its data changed."""
        RiskReader.train()
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Read new messages."""
        assert self._reader is not None
        for message in messages:
            reading = self._reader.read(message.get(TEXT) or "", message.get(DOC), message.get(WINDOWS))
            message.set("risk", reading.as_dict(), add_to_output=True)
        return messages
