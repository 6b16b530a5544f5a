"""The trained part of the risk reader: logistic models on meaning and letters, for the levels and the categories.

Three models say how likely a message is at least `concern`, at least `high`, and `acute`; a fourth chooses the category. Their
thresholds are chosen by cross-validation on the training data, at a share of false alarms that staff can live with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bot.language.classifier import NgramVectorizer
from bot.language.encoder import EncodingCache, SentenceEncoder, Vectors
from bot.language.examples import read_json_lines, training_examples
from bot.language.spelling import normalize
from bot.risk.reading import CATEGORIES, Part, severity

# False alarms that cross-validation may show: share of ordinary messages, and of hard negatives.
ORDINARY_FALSE_ALARMS = {"concern": 0.03, "high": 0.003, "acute": 0.002}
HARD_FALSE_ALARMS = {"concern": 0.08, "high": 0.02, "acute": 0.01}
MEANING_WEIGHT = 3.0
FOLDS = 3


@dataclass(frozen=True)
class RiskExample:
    """One labelled message; `hard` for a negative that looks like danger."""

    text: str
    level: str
    category: str | None
    hard: bool


class RiskClassifier:
    """The trained models. Make one with `train_classifier`, then `RiskClassifier.load`."""

    def __init__(
        self,
        vectorizer: NgramVectorizer,
        mean: Vectors,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        thresholds: dict[str, float],
        categories: Sequence[str],
    ) -> None:
        self._vectorizer = vectorizer
        self._mean = mean
        self._weights = weights
        self._bias = bias
        self.thresholds = thresholds
        self._categories = list(categories)

    def scores(self, normal_text: str, vector: Vectors) -> tuple[dict[str, float], str]:
        """Probability (0-1) of at least each level, and the likeliest category."""
        features = _features(self._vectorizer.transform([normal_text]), (vector - self._mean).reshape(1, -1))
        logits = np.asarray(features @ self._weights).ravel() + self._bias
        levels = {level: float(1 / (1 + np.exp(-logits[i]))) for i, level in enumerate(("concern", "high", "acute"))}
        return levels, self._categories[int(np.argmax(logits[3:]))]

    def read(self, normal_text: str, vector: Vectors, length: int) -> Part | None:
        """What the models find in a message of `length` code points; None below all thresholds.

        Args:
            normal_text: the message in normal spelling.
            vector: its sentence vector, shape (384,).
            length: of the text as given, for the evidence: a linear model on meaning has no words to point at.
        """
        levels, category = self.scores(normal_text, vector)
        for level in ("acute", "high", "concern"):
            if levels[level] >= self.thresholds[level]:
                if level == "acute" and levels["high"] < self.thresholds["high"]:
                    continue
                return Part("classifier", level, category, levels[level], ((0, length),))
        return None

    def save(self, file: Path) -> None:
        """Write everything to one `.npz` file that holds no code."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp.npz")
        np.savez_compressed(
            temporary,
            weights=self._weights.astype(np.float32),
            bias=self._bias.astype(np.float32),
            mean=self._mean,
            settings=np.array(
                json.dumps(
                    {"thresholds": self.thresholds, "categories": self._categories, "ngrams": self._vectorizer.state()}
                )
            ),
        )
        temporary.replace(file)

    @classmethod
    def load(cls, file: Path) -> RiskClassifier:
        """Read what `save` wrote."""
        content = np.load(file)
        settings = json.loads(str(content["settings"]))
        vectorizer = NgramVectorizer()
        vectorizer.restore(settings["ngrams"])
        return cls(
            vectorizer, content["mean"], content["weights"], content["bias"], settings["thresholds"], settings["categories"]
        )


def _features(ngrams: csr_matrix, centred: NDArray[np.float32]) -> csr_matrix:
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return hstack([ngrams, csr_matrix(MEANING_WEIGHT * centred / np.maximum(norms, 1e-6))]).tocsr()


def risk_examples(data: Sequence[Path]) -> list[RiskExample]:
    """The labelled messages of the risk files, and every intent example as an ordinary message without danger."""
    examples = []
    for path in data:
        for entry in read_json_lines(path):
            if "level" in entry:
                examples.append(RiskExample(str(entry["text"]), str(entry["level"]), str(entry["category"]), False))
            else:
                examples.append(RiskExample(str(entry["text"]), "none", None, entry["kind"] != "ordinary"))
    known = {example.text for example in examples}
    examples += [RiskExample(one.text, "none", None, False) for one in training_examples() if one.text not in known]
    return examples


def train_classifier(data: Sequence[Path], file: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Train on the risk files and write the classifier.

    Args:
        data: JSON-lines files of positives and negatives.
        file: where the classifier is written (`.npz`).
        progress: called with messages encoded and messages in all.
    """
    examples = risk_examples(data)
    texts = [normalize(example.text) for example in examples]
    cache = EncodingCache()
    vectors = SentenceEncoder().encode_many(texts, cache, progress)
    cache.save()
    mean = vectors.mean(axis=0)
    vectorizer = NgramVectorizer()
    features = _features(vectorizer.fit_transform(texts), vectors - mean)
    levels = np.array([severity(example.level) for example in examples])
    hard = np.array([example.hard for example in examples])
    weights, bias, thresholds = [], [], {}
    for number, level in enumerate(("concern", "high", "acute"), start=1):
        target = levels >= number
        thresholds[level] = _threshold(level, features, target, levels, hard)
        model = _level_model().fit(features, target)
        weights.append(model.coef_[0])
        bias.append(model.intercept_[0])
    positive = levels > 0
    chosen = np.array([example.category for example in examples])[positive]
    categories = LogisticRegression(C=3.0, solver="liblinear", multi_class="ovr", class_weight="balanced")
    categories.fit(features[positive], chosen)
    weights += list(categories.coef_)
    bias += list(categories.intercept_)
    assert set(categories.classes_) <= set(CATEGORIES), "a risk file names a category that the taxonomy does not have"
    RiskClassifier(
        vectorizer,
        mean,
        np.array(weights, dtype=np.float32).T,
        np.array(bias, dtype=np.float32),
        thresholds,
        list(categories.classes_),
    ).save(file)


def _level_model() -> LogisticRegression:
    return LogisticRegression(C=4.0, solver="liblinear", class_weight={False: 1.0, True: 2.0})


def _threshold(
    level: str, features: csr_matrix, target: NDArray[np.bool_], levels: NDArray[np.int_], hard: NDArray[np.bool_]
) -> float:
    """The lowest threshold at which cross-validation shows no more false alarms than allowed."""
    scores = np.zeros(len(target))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=7).split(features, target):
        scores[test] = _level_model().fit(features[train], target[train]).predict_proba(features[test])[:, 1]
    limits = []
    for group, allowed in ((~hard, ORDINARY_FALSE_ALARMS[level]), (hard, HARD_FALSE_ALARMS[level])):
        negative = np.sort(scores[(levels == 0) & group])
        if len(negative):
            limits.append(negative[min(int(np.ceil(len(negative) * (1 - allowed))), len(negative) - 1)])
    return float(np.clip(max(limits, default=0.5), 0.1, 0.9))
