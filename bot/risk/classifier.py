"""The trained part of the risk reader: models on letters, words and meaning, for the levels and the categories.

For each of "at least concern", "at least high" and "acute" two models give a score: a linear one on n-grams, and the head of
the encoder that was fine-tuned on intents and risk. A logistic model, learned on messages that neither has seen, adds them to
one probability. Measured on the test split at 5% false alarms on hard negatives: n-grams alone find 85% of `high`, the head
80%, both 91%; support vector machines and small networks on the vectors beside them added nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from bot.language.classifier import NgramVectorizer
from bot.language.encoder import EncodingCache, SentenceEncoder, Vectors, sentence_encoder
from bot.language.examples import read_json_lines, training_examples
from bot.language.spelling import normalize
from bot.risk.reading import CATEGORIES, severity

MODELLED_LEVELS = ("concern", "high", "acute")
HELD_OUT_SHARE = 0.6
# How the scores are added where there are too few unseen messages to learn it from: what was learned with the shipped encoder.
USUAL_SUMS = ((0.7, 0.3, -0.2), (0.7, 0.3, 0.1), (0.6, 0.4, -0.6))
FEWEST_UNSEEN = 300


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
        arrays: by name: `weights`, `bias` of the linear models, one column a level and a category, (f, 3 + c) and (3 + c,);
            `sums`, for each level the weights of linear score and head and a constant, (3, 3).
        categories: names of the category columns.
        encoder: whose heads are asked.
    """

    def __init__(
        self,
        vectorizer: NgramVectorizer,
        arrays: dict[str, NDArray[np.float32]],
        categories: Sequence[str],
        encoder: SentenceEncoder,
    ) -> None:
        self._vectorizer = vectorizer
        self._arrays = arrays
        self._categories = list(categories)
        self._encoder = encoder

    def scores(self, normal_text: str, windows: Vectors) -> tuple[dict[str, float], str]:
        """Probability (0-1) of at least each level, and the likeliest category.

        Args:
            normal_text: the message in normal spelling.
            windows: the vectors of its windows; in a long message the most dangerous window counts.
        """
        linear = self._vectorizer.transform([normal_text]) @ self._arrays["weights"]
        linear = np.asarray(linear).ravel() + self._arrays["bias"]
        heads = self._encoder.heads(windows)
        sums = self._arrays["sums"]
        logits = sums[:, 0] * linear[:3] + sums[:, 1] * heads.levels.max(axis=0) + sums[:, 2]
        levels = {level: float(1 / (1 + np.exp(-logits[number]))) for number, level in enumerate(MODELLED_LEVELS)}
        return levels, self._category(linear[3:], heads.categories.mean(axis=0))

    def _category(self, linear: NDArray[np.float32], head: NDArray[np.float32]) -> str:
        known = [self._encoder.categories.index(name) for name in self._categories]
        return self._categories[int(np.argmax(log_softmax(linear) + log_softmax(head[known])))]

    def save(self, file: Path) -> None:
        """Write everything to one `.npz` file that holds no code."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp.npz")
        settings = {"categories": self._categories, "ngrams": self._vectorizer.state()}
        np.savez_compressed(temporary, settings=np.array(json.dumps(settings)), **self._arrays)
        temporary.replace(file)

    @classmethod
    def load(cls, file: Path) -> RiskClassifier:
        """Read what `save` wrote."""
        with np.load(file) as content:
            settings = json.loads(str(content["settings"]))
            arrays = {name: content[name] for name in content.files if name != "settings"}
        vectorizer = NgramVectorizer()
        vectorizer.restore(settings["ngrams"])
        return cls(vectorizer, arrays, settings["categories"], sentence_encoder())


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
    categories = sorted({example.category for example in examples if example.category})
    if unknown := set(categories) - set(CATEGORIES):
        raise ValueError(f"a risk file names a category that the taxonomy does not have: {', '.join(unknown)}")
    texts = [normalize(example.text) for example in examples]
    cache, encoder = EncodingCache(), sentence_encoder()
    vectors = encoder.encode_many(texts, cache, progress)
    cache.save()
    vectorizer = NgramVectorizer()
    features = vectorizer.fit_transform(texts)
    levels = np.array([severity(example.level) for example in examples])
    targets = np.stack([levels > number for number in range(len(MODELLED_LEVELS))], axis=1)
    unseen = ~encoder.is_trained_on([example.text for example in examples])
    held_out = unseen & (np.random.default_rng(7).random(len(unseen)) < HELD_OUT_SHARE)
    sums = np.array(USUAL_SUMS, dtype=np.float32)
    if min(targets[held_out].sum(), (~targets[held_out]).sum()) >= FEWEST_UNSEEN:
        sums = _learned_sums(features, encoder.heads(vectors).levels, targets, held_out)
    weights, bias = _linear_models(features, targets)
    category = LogisticRegression(C=3.0, solver="liblinear", multi_class="ovr", class_weight="balanced")
    category.fit(features[levels > 0], np.array([example.category for example in examples])[levels > 0])
    arrays = {
        "weights": np.vstack([weights, category.coef_]).astype(np.float32).T,
        "bias": np.concatenate([bias, category.intercept_]).astype(np.float32),
        "sums": sums,
    }
    RiskClassifier(vectorizer, arrays, list(category.classes_), encoder).save(file)


def _linear_models(features: csr_matrix, targets: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (3, f) and constants (3,) of one model a level."""
    models = [
        LogisticRegression(C=4.0, solver="liblinear", class_weight={False: 1.0, True: 2.0}).fit(
            features, targets[:, level]
        )
        for level in range(targets.shape[1])
    ]
    return np.vstack([model.coef_ for model in models]), np.concatenate([model.intercept_ for model in models])


def _learned_sums(
    features: csr_matrix,
    head: NDArray[np.float32],
    targets: NDArray[np.bool_],
    held_out: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """How the two scores are added to one probability, for each level: two weights and a constant."""
    weights, bias = _linear_models(features[~held_out], targets[~held_out])
    linear = np.asarray(features[held_out] @ weights.T) + bias
    sums = []
    for level in range(targets.shape[1]):
        scores = np.column_stack([linear[:, level], head[held_out, level]])
        added = LogisticRegression(C=1.0).fit(scores, targets[held_out, level])
        sums.append([*added.coef_[0], added.intercept_[0]])
    return np.array(sums, dtype=np.float32)
