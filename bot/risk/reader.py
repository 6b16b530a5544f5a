"""Reads danger in one message, by parts that are independent of each other: each can raise, none lowers another."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from bot.language.encoder import SentenceEncoder, Vectors
from bot.language.pipeline import load_pipeline
from bot.language.spelling import normalize
from bot.risk.classifier import RiskClassifier, train_classifier
from bot.risk.patterns import PatternReader
from bot.risk.reading import Part, RiskReading, combine
from bot.settings import PROJECT_DIRECTORY, load_settings

logger = logging.getLogger(__name__)

RISK_DATA_DIRECTORY = PROJECT_DIRECTORY / "nlu_data" / "risk"
RULES_DIRECTORY = PROJECT_DIRECTORY / "config" / "risk"
NORMALIZED_LENGTH = 4_000


class RiskReader:
    """Patterns over words and a classifier on meaning, combined.

    Args:
        nlp: the Dutch spaCy pipeline.
        encoder: gives sentence vectors when the caller has none.
        patterns: the pattern part.
        classifier: the trained part.
    """

    def __init__(
        self, nlp: Language, encoder: SentenceEncoder, patterns: PatternReader, classifier: RiskClassifier
    ) -> None:
        self._nlp = nlp
        self._encoder = encoder
        self._patterns = patterns
        self._classifier = classifier

    @classmethod
    def of_settings(cls) -> RiskReader:
        """The reader of this installation; trains its classifier when the data changed since."""
        settings = load_settings()
        nlp = load_pipeline(settings.spacy_model)
        file = cls.train()
        return cls(nlp, SentenceEncoder(), PatternReader(nlp, RULES_DIRECTORY), RiskClassifier.load(file))

    @staticmethod
    def train(progress: Callable[[int, int], None] | None = None) -> Path:
        """Train the classifier unless the file of this data and code is there; its file."""
        directory = load_settings().model_directory
        code = [Path(__file__).with_name("classifier.py"), Path(normalize.__code__.co_filename)]
        data = sorted(RISK_DATA_DIRECTORY.glob("[!t]*.jsonl"))
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*code, *data])).hexdigest()[:16]
        file = directory / f"risk-{digest}.npz"
        if not file.exists():
            train_classifier(data, file, progress)
        return file

    def read(self, text: str, doc: Doc | None = None, embedding: Vectors | None = None) -> RiskReading:
        """The reading of one text; evidence in code points of the text as given.

        A part that fails does not silence the others: the reading then asks for a human's look (`concern` at least).

        Args:
            text: as typed.
            doc: the text as read by the spaCy pipeline, when the caller has it.
            embedding: its sentence vector, when the caller has it.
        """
        parts: list[Part] = []
        try:
            parts += self._patterns.read(doc if doc is not None else self._nlp(text))
        except Exception:
            logger.exception("the pattern part of the risk reader failed")
            parts.append(Part("error:patterns", "concern", "emotional_abuse", 0.0, ()))
        try:
            parts += self._classified(text, embedding)
        except Exception:
            logger.exception("the classifier part of the risk reader failed")
            parts.append(Part("error:classifier", "concern", "emotional_abuse", 0.0, ()))
        return combine(parts)

    def _classified(self, text: str, embedding: Vectors | None) -> list[Part]:
        normal = normalize(text[:NORMALIZED_LENGTH])
        if not normal:
            return []
        vector = embedding if embedding is not None else self._encoder.encode(normal)
        part = self._classifier.read(normal, vector, len(text))
        return [part] if part else []
