"""The trained part of the risk reader: models on letters, words and meaning, for the levels and the categories.

For each of "at least concern", "at least high" and "acute" two models give a score: a linear one on n-grams, and the head of
the encoder that was fine-tuned on intents and risk. Both read the message as a whole, and the linear one where it is long its
sentences too (the encoder on sentences as well took half of the time for long messages, and its weight was learned as 0). A
logistic model, learned on messages that none of them has seen, adds the scores to one probability.
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
from bot.risk.segments import segments_of

MODELLED_LEVELS = ("concern", "high", "acute")
# How the scores are added where there are too few unseen messages to learn it from: what was learned with the shipped encoder.
USUAL_SUMS = ((0.2, 0.5, 0.3, 0.0), (0.4, 0.5, 0.1, 0.1), (0.1, 0.4, 0.4, -0.2))
FEWEST_UNSEEN = 300
_HIGH = MODELLED_LEVELS.index("high")


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
            `sums`, for each level the weights of the three scores of `evidence` and a constant, (3, 4).
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
            windows: the vectors of its windows.
        """
        evidence, category = self.evidence(normal_text, windows)
        sums = self._arrays["sums"]
        logits = (evidence * sums[:, :-1]).sum(axis=1) + sums[:, -1]
        levels = {level: float(1 / (1 + np.exp(-logits[number]))) for number, level in enumerate(MODELLED_LEVELS)}
        return levels, category

    def evidence(self, normal_text: str, windows: Vectors) -> tuple[NDArray[np.float32], str]:
        """What the models say before it is added up: for each level (rows) the linear model and the head on the whole message,
        and the linear model on its most dangerous segment, shape (3, 3); and the likeliest category.

        Args:
            normal_text: the message in normal spelling.
            windows: the vectors of its windows.
        """
        linear = self._linear([normal_text, *segments_of(normal_text)])
        heads = self._encoder.heads(windows)
        # A message without segments is its own.
        segments = linear[1:] if len(linear) > 1 else linear
        columns = [linear[0, :3], heads.levels.max(axis=0), segments[:, :3].max(axis=0)]
        worst = int(np.argmax(segments[:, _HIGH]))
        return np.column_stack(columns), self._category(segments[worst, 3:], heads.categories.mean(axis=0))

    def _linear(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectorizer.scores(texts, self._arrays["weights"]) + self._arrays["bias"]

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
    named = sorted({example.category for example in examples if example.category})
    if unknown := set(named) - set(CATEGORIES):
        raise ValueError(f"a risk file names a category that the taxonomy does not have: {', '.join(unknown)}")
    texts = [normalize(example.text) for example in examples]
    encoder = sentence_encoder()
    vectorizer = NgramVectorizer()
    features = vectorizer.fit_transform(texts)
    levels = np.array([severity(example.level) for example in examples])
    targets = np.stack([levels > number for number in range(len(MODELLED_LEVELS))], axis=1)
    categories = np.array([example.category or "" for example in examples])
    unseen = ~encoder.is_trained_on([example.text for example in examples])
    sums = np.array(USUAL_SUMS, dtype=np.float32)
    if min(targets[unseen].sum(), (~targets[unseen]).sum()) >= FEWEST_UNSEEN:
        weights, bias = _linear_models(features[~unseen], targets[~unseen], categories[~unseen])
        reader = RiskClassifier(vectorizer, {"weights": weights, "bias": bias, "sums": sums}, named, encoder)
        held_out = np.flatnonzero(unseen)
        sums = _learned_sums(reader, encoder, [texts[number] for number in held_out], targets[held_out], progress)
    weights, bias = _linear_models(features, targets, categories)
    RiskClassifier(vectorizer, {"weights": weights, "bias": bias, "sums": sums}, named, encoder).save(file)


def _linear_models(
    features: csr_matrix, targets: NDArray[np.bool_], categories: NDArray[np.str_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (f, 3 + c) and constants (3 + c,) of one model a level and of one a category."""
    models = [
        LogisticRegression(C=4.0, solver="liblinear", class_weight={False: 1.0, True: 2.0}).fit(
            features, targets[:, level]
        )
        for level in range(targets.shape[1])
    ]
    named = categories != ""
    category = LogisticRegression(C=3.0, solver="liblinear", multi_class="ovr", class_weight="balanced")
    models.append(category.fit(features[named], categories[named]))
    weights = np.vstack([model.coef_ for model in models]).astype(np.float32).T
    return weights, np.concatenate([model.intercept_ for model in models]).astype(np.float32)


def _learned_sums(
    reader: RiskClassifier,
    encoder: SentenceEncoder,
    texts: Sequence[str],
    targets: NDArray[np.bool_],
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float32]:
    """How the scores are added to one probability, for each level: a weight for each and a constant."""
    cache = EncodingCache()
    vectors = encoder.encode_many(texts, cache, progress)
    cache.save()
    evidence = np.stack([reader.evidence(text, vector[None])[0] for text, vector in zip(texts, vectors)])
    sums = []
    for level in range(targets.shape[1]):
        added = LogisticRegression(C=1.0).fit(evidence[:, level], targets[:, level])
        sums.append([*added.coef_[0], added.intercept_[0]])
    return np.array(sums, dtype=np.float32)
