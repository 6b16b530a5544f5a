"""The trained part of the risk reader: models on meaning and letters, for the levels and the categories.

For each of "at least concern", "at least high" and "acute" a linear model on n-grams and meaning and a support vector
machine with a radial kernel on meaning give a score; a logistic model, learned on a held-out part, adds the two to one
probability. Measured on the project's test split, the sum finds a fifth more than the linear model alone at the same
false alarms. Another linear model chooses the category.
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
from sklearn.svm import SVC

from bot.language.classifier import NgramVectorizer
from bot.language.encoder import EncodingCache, SentenceEncoder, Vectors
from bot.language.examples import read_json_lines, training_examples
from bot.language.spelling import normalize
from bot.risk.reading import CATEGORIES, severity

MODELLED_LEVELS = ("concern", "high", "acute")
MEANING_WEIGHT = 3.0
KERNEL_WIDTH = 2.0
FOLDS = 4
# Ordinary messages for the kernel machine; more only cost time.
KERNEL_ORDINARY = 4_000


@dataclass(frozen=True)
class RiskExample:
    """One labelled message; `hard` for a negative that looks like danger."""

    text: str
    level: str
    category: str | None
    hard: bool


class RiskClassifier:
    """The trained models. Make one with `train_classifier`, then `RiskClassifier.load`.

    Args:
        vectorizer: gives the n-grams.
        mean: of the training data's sentence vectors, shape (384,).
        weights, bias: of the linear models, one column a level and a category, shapes (f, 3 + c) and (3 + c,).
        centres: training vectors of the kernel machines, centred and of length one, shape (n, 384).
        kernel_weights, kernel_bias: of the kernel machines, shapes (n, 3) and (3,).
        sums: for each level the weights of linear score, kernel score and a constant, shape (3, 3).
        categories: names of the category columns.
    """

    def __init__(
        self,
        vectorizer: NgramVectorizer,
        mean: Vectors,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        centres: NDArray[np.float32],
        kernel_weights: NDArray[np.float32],
        kernel_bias: NDArray[np.float32],
        sums: NDArray[np.float32],
        categories: Sequence[str],
    ) -> None:
        self._vectorizer = vectorizer
        self._mean = mean
        self._weights = weights
        self._bias = bias
        self._centres = centres
        self._kernel_weights = kernel_weights
        self._kernel_bias = kernel_bias
        self._sums = sums
        self._categories = list(categories)

    def scores(self, normal_text: str, vector: Vectors) -> tuple[dict[str, float], str]:
        """Probability (0-1) of at least each level, and the likeliest category."""
        centred = _unit((vector - self._mean).reshape(1, -1))
        linear = np.asarray(_features(self._vectorizer.transform([normal_text]), centred) @ self._weights).ravel()
        linear = linear + self._bias
        # Both are of length one: their distance follows from their product.
        similar = np.exp(-KERNEL_WIDTH * (2 - 2 * (self._centres @ centred[0])))
        kernel = similar @ self._kernel_weights + self._kernel_bias
        logits = self._sums[:, 0] * linear[:3] + self._sums[:, 1] * kernel + self._sums[:, 2]
        levels = {level: float(1 / (1 + np.exp(-logits[number]))) for number, level in enumerate(MODELLED_LEVELS)}
        return levels, self._categories[int(np.argmax(linear[3:]))]

    def save(self, file: Path) -> None:
        """Write everything to one `.npz` file that holds no code."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp.npz")
        settings = {
            "categories": self._categories,
            "ngrams": self._vectorizer.state(),
        }
        np.savez_compressed(
            temporary,
            weights=self._weights,
            bias=self._bias,
            mean=self._mean,
            centres=self._centres.astype(np.float16),
            kernel_weights=self._kernel_weights,
            kernel_bias=self._kernel_bias,
            sums=self._sums,
            settings=np.array(json.dumps(settings)),
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
            vectorizer,
            content["mean"],
            content["weights"],
            content["bias"],
            content["centres"].astype(np.float32),
            content["kernel_weights"],
            content["kernel_bias"],
            content["sums"],
            settings["categories"],
        )


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _features(ngrams: csr_matrix, centred: NDArray[np.float32]) -> csr_matrix:
    return hstack([ngrams, csr_matrix(MEANING_WEIGHT * centred)]).tocsr()


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
    meaning = _unit(vectors - mean)
    vectorizer = NgramVectorizer()
    features = _features(vectorizer.fit_transform(texts), meaning)
    levels = np.array([severity(example.level) for example in examples])
    hard = np.array([example.hard for example in examples])
    chosen = _kernel_sample(levels, hard)
    weights, bias, sums = [], [], []
    kernel_weights = np.zeros((len(examples), len(MODELLED_LEVELS)), dtype=np.float32)
    kernel_bias = np.zeros(len(MODELLED_LEVELS), dtype=np.float32)
    for number, level in enumerate(MODELLED_LEVELS):
        target = levels > number
        sums.append(_sum(features, meaning, target, levels * 2 + hard, chosen))
        linear = _linear_model().fit(features, target)
        weights.append(linear.coef_[0])
        bias.append(linear.intercept_[0])
        kernel = _kernel_model().fit(meaning[chosen], target[chosen])
        kernel_weights[np.flatnonzero(chosen)[kernel.support_], number] = kernel.dual_coef_[0]
        kernel_bias[number] = kernel.intercept_[0]
    categories = LogisticRegression(C=3.0, solver="liblinear", multi_class="ovr", class_weight="balanced")
    categories.fit(features[levels > 0], np.array([example.category for example in examples])[levels > 0])
    unknown = set(categories.classes_) - set(CATEGORIES)
    if unknown:
        raise ValueError(f"a risk file names a category that the taxonomy does not have: {', '.join(unknown)}")
    supports = np.flatnonzero(kernel_weights.any(axis=1))
    RiskClassifier(
        vectorizer,
        mean,
        np.array([*weights, *categories.coef_], dtype=np.float32).T,
        np.array([*bias, *categories.intercept_], dtype=np.float32),
        meaning[supports],
        kernel_weights[supports],
        kernel_bias,
        np.array(sums, dtype=np.float32),
        list(categories.classes_),
    ).save(file)


def _linear_model() -> LogisticRegression:
    return LogisticRegression(C=4.0, solver="liblinear", class_weight={False: 1.0, True: 2.0})


def _kernel_model() -> SVC:
    return SVC(C=10.0, gamma=KERNEL_WIDTH, class_weight={False: 1.0, True: 2.0}, cache_size=1000)


def _kernel_sample(levels: NDArray[np.int_], hard: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All positives and hard negatives, and as many ordinary messages as the kernel machine can use."""
    chosen = (levels > 0) | hard
    ordinary = np.flatnonzero(~chosen)
    drawn = np.random.default_rng(7).permutation(ordinary)[:KERNEL_ORDINARY]
    chosen[drawn] = True
    return chosen


def _sum(
    features: csr_matrix,
    meaning: NDArray[np.float32],
    target: NDArray[np.bool_],
    groups: NDArray[np.int_],
    chosen: NDArray[np.bool_],
) -> list[float]:
    """How the two scores are added to one probability, learned on a held-out part: two weights and a constant."""
    train, test = next(StratifiedKFold(FOLDS, shuffle=True, random_state=7).split(features, groups))
    linear = _linear_model().fit(features[train], target[train]).decision_function(features[test])
    kernel_train = train[chosen[train]]
    kernel = _kernel_model().fit(meaning[kernel_train], target[kernel_train]).decision_function(meaning[test])
    added = LogisticRegression(C=1.0).fit(np.column_stack([linear, kernel]), target[test])
    return [*added.coef_[0], added.intercept_[0]]
