"""Reads danger in one message, by parts that are independent of each other: each can raise the reading.

Two rules lower, to a concern: a pattern in a longer Dutch message that the classifier holds for harmless, and a reading of the
classifier that is not sure where the context made every sign harmless (an idiom, a negation, a game). Left out is a reading
that the classifier itself doubts where the context made every sign harmless, or of letters that are no words ("wieb snarf
kwonk").
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from bot.language.detection import DUTCH, detect_language
from bot.language.encoder import MODEL_DIRECTORY, SentenceEncoder, Vectors, sentence_encoder
from bot.language.pipeline import load_pipeline
from bot.language.sounding import known_share
from bot.language.spelling import SPELLING_SOURCES, normalize
from bot.risk.classifier import RiskClassifier, train_classifier
from bot.risk.patterns import PatternReader
from bot.risk.reading import Part, RiskReading, combine, severity
from bot.risk.segments import segments_of
from bot.settings import PROJECT_DIRECTORY, load_settings

logger = logging.getLogger(__name__)

RISK_DATA_DIRECTORY = PROJECT_DIRECTORY / "nlu_data" / "risk"
RULES_DIRECTORY = PROJECT_DIRECTORY / "config" / "risk"
NORMALIZED_LENGTH = 4_000
# From which probability on a level is read. Below a half, as a miss weighs more than a false alarm. The encoder's 8-bit kernels
# differ between processors by a few thousandths: no recorded answer may stand as near to a threshold as that.
THRESHOLDS = {"concern": 0.49, "high": 0.25, "acute": 0.2}
# Below this probability of `high` nothing is acute, whatever the model for that level says.
POSSIBLE = 0.15
# Below this probability of `high` the classifier lowers what a pattern found in a longer Dutch message to a concern.
# Measured on the test split: from 0.05 to 0.1 one false alarm fewer of 414 hard negatives, and no grave message missed for it.
DOUBT = 0.1
DOUBTED_WORDS = 6
# Unless from this probability on the words around the evidence, read by themselves, are high.
CONFIRMED = 0.5
WORDS_AROUND = 5
LOWERED_SCORE = 0.4
# From this probability of `high` on no context takes the classifier's reading away.
SURE = 0.88
# Below this probability of `concern`, and below UNSURE of `high`, a context that makes every sign harmless leaves nothing.
WORRYING = 0.8
# Up to this share of known words, in so many words or more, a text is hardly a language, and an unsure reading of it none:
# below this probability of `high`.
UNKNOWN, UNKNOWN_WORDS = 0.4, 3
UNSURE = 0.6
_VOWELS = frozenset("aeiouy")


class RiskReader:
    """Patterns over words and a classifier on meaning, combined.

    Args:
        nlp: the Dutch spaCy pipeline.
        encoder: gives the vectors when the caller has none.
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
    @functools.lru_cache(maxsize=1)
    def of_settings(cls) -> RiskReader:
        """The reader of this installation, one a process; trains its classifier when the data changed since."""
        settings = load_settings()
        nlp = load_pipeline(settings.spacy_model)
        file = cls.train()
        return cls(nlp, sentence_encoder(), PatternReader(nlp, RULES_DIRECTORY), RiskClassifier.load(file))

    @staticmethod
    def train(progress: Callable[[int, int], None] | None = None) -> Path:
        """Train the classifier unless the file of this data and code is there; its file."""
        directory = load_settings().model_directory
        code = [
            Path(__file__).with_name("classifier.py"),
            Path(segments_of.__code__.co_filename),
            *SPELLING_SOURCES,
            MODEL_DIRECTORY / "card.json",
        ]
        data = sorted(RISK_DATA_DIRECTORY.glob("[!t]*.jsonl"))
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*code, *data])).hexdigest()[:16]
        file = directory / f"risk-{digest}.npz"
        if not file.exists():
            train_classifier(data, file, progress)
        return file

    def read(self, text: str, doc: Doc | None = None, windows: Vectors | None = None) -> RiskReading:
        """The reading of one text; evidence in code points of the text as given.

        A part that fails does not silence the others: the reading then asks for a human's look (`concern` at least).

        Args:
            text: as typed.
            doc: the text as read by the spaCy pipeline, when the caller has it.
            windows: the vectors of its windows, when the caller has them.
        """
        parts: list[Part] = []
        found: list[Part] = []
        is_harmless_context = False
        try:
            doc = doc if doc is not None else self._nlp(text)
            found, is_harmless_context = self._patterns.read_in_context(doc)
        except Exception as error:  # whatever fails, the other part and a human's look remain
            logger.error("the pattern part of the risk reader failed: %s", type(error).__name__)
            parts.append(Part("error:patterns", "concern", "emotional_abuse", 0.0))
        try:
            classified, likely = self._classified(text, windows)
            is_unsure = likely["high"] < UNSURE
            if is_harmless_context and is_unsure and likely["concern"] < WORRYING:
                classified = []
            elif is_harmless_context and likely["high"] < SURE:
                classified = [_lowered(part, "context") for part in classified]
            elif classified and is_unsure and _is_nonsense(text):
                classified = []
            parts += classified
            if likely["high"] < DOUBT and _is_plain_dutch(text):
                found = [part if self._confirms(text, part) else _lowered(part, "doubted") for part in found]
        except Exception as error:
            logger.error("the classifier part of the risk reader failed: %s", type(error).__name__)
            parts.append(Part("error:classifier", "concern", "emotional_abuse", 0.0))
        return combine([*found, *parts])

    def _confirms(self, text: str, part: Part) -> bool:
        """Whether the classifier finds danger in the words around a pattern's evidence, read without the rest: a disclosure in
        the middle of a long and ordinary message is no less one.
        """
        if severity(part.level) <= severity("concern") or not self._patterns.may_be_doubted(part):
            return True
        surroundings = dict.fromkeys(_around(text, span) for span in part.spans if span[1] > span[0])
        return any(self._classified(words, None)[1]["high"] >= CONFIRMED for words in surroundings)

    def _classified(self, text: str, windows: Vectors | None) -> tuple[list[Part], dict[str, float]]:
        """What the classifier finds, and how likely it holds the message to be at least of each level."""
        normal = normalize(text[:NORMALIZED_LENGTH])
        if not normal:
            return [], dict.fromkeys(THRESHOLDS, 1.0)
        vectors = windows if windows is not None else self._encoder.encode_windows(normal)
        likely, category = self._classifier.scores(normal, vectors)
        for level in ("acute", "high", "concern"):
            if likely[level] >= THRESHOLDS[level] and (level != "acute" or likely["high"] >= POSSIBLE):
                return [Part("classifier", level, category, likely[level], ((0, len(text)),))], likely
        return [], likely


def _around(text: str, span: tuple[int, int]) -> str:
    """The part of its sentence that evidence stands in: at most so many words before and after it."""
    start = max((text.rfind(mark, 0, span[0]) + 1 for mark in ".!?\n;"), default=0)
    ends = [end for mark in ".!?\n;" if (end := text.find(mark, span[1])) >= 0]
    before = text[start : span[0]].split()[-WORDS_AROUND:]
    after = text[span[1] : min(ends, default=len(text))].split()[:WORDS_AROUND]
    return " ".join([*before, text[span[0] : span[1]], *after])


def _is_nonsense(text: str) -> bool:
    """Whether hardly a word of a text is one, and nothing explains it: no other language ("wieb snarf kwonk"), and no vowels left
    out ("k wl nt mr lvn").
    """
    normal = normalize(text[:NORMALIZED_LENGTH])
    words = normal.split()
    if len(words) < UNKNOWN_WORDS or not normal.isascii() or known_share(normal) > UNKNOWN:
        return False
    return sum(not _VOWELS.isdisjoint(word) for word in words) * 2 > len(words) and detect_language(text) == DUTCH


def _is_plain_dutch(text: str) -> bool:
    """Whether the classifier may doubt a pattern: it knows longer Dutch messages best, and other languages hardly."""
    return len(text.split()) >= DOUBTED_WORDS and detect_language(text) == DUTCH


def _lowered(part: Part, why: str) -> Part:
    """The part as a concern: a pattern in a message that as a whole reads like none with danger, or the classifier's reading
    of words that the context makes harmless.
    """
    if severity(part.level) <= severity("concern"):
        return part
    return replace(part, name=f"{part.name}>{why}", level="concern", score=LOWERED_SCORE)
