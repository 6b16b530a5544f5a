"""The intent classifier: a linear model on letters and words, added to the head of the fine-tuned encoder.

Each knows what the other does not. Measured on the test split (19,991 examples): n-grams with the frozen encoder's vectors
88.0% top-1, the encoder's head alone 82.1%, n-grams and head 90.0%; the frozen vectors beside them gave nothing more (89.9%).
The linear model is scikit-learn's; its weights are stored as plain arrays, so that a model file holds no code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC


@dataclass(frozen=True)
class Ranked:
    """One candidate: a name and the probability that it is the right one (0-1)."""

    name: str
    confidence: float


class NgramVectorizer:
    """TF-IDF of character n-grams within words and of word n-grams; texts are normalised before."""

    def __init__(self) -> None:
        self._characters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, dtype=np.float32, lowercase=False
        )
        self._words = TfidfVectorizer(
            analyzer="word",
            ngram_range=(1, 2),
            min_df=2,
            sublinear_tf=True,
            dtype=np.float32,
            lowercase=False,
            token_pattern=r"(?u)\S+",
        )
        # Of each part: what cuts a text into n-grams, their places, and how rare each is.
        self._fitted: list[tuple[Callable[[str], list[str]], dict[str, int], NDArray[np.float32]]] | None = None

    def fit_transform(self, texts: Sequence[str]) -> csr_matrix:
        """Learn the n-grams of the texts; features, shape (n, f)."""
        self._fitted = None
        return hstack([self._characters.fit_transform(texts), self._words.fit_transform(texts)]).tocsr()

    def scores(self, texts: Sequence[str], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """What `features of the texts @ weights` gives, shape (n, columns), some twenty times faster than scikit-learn's matrices
        do it for one text.

        Args:
            texts: normalised texts.
            weights: shape (f, columns).
        """
        if self._fitted is None:
            self._fitted = [
                (part.build_analyzer(), part.vocabulary_, part.idf_.astype(np.float32))
                for part in (self._characters, self._words)
            ]
        result = np.zeros((len(texts), weights.shape[1]), dtype=np.float32)
        for number, text in enumerate(texts):
            first = 0
            for analyze, vocabulary, rarity in self._fitted:
                found = Counter(place for ngram in analyze(text) if (place := vocabulary.get(ngram)) is not None)
                if found:
                    places = np.fromiter(found.keys(), dtype=np.intp, count=len(found))
                    counts = np.fromiter(found.values(), dtype=np.float32, count=len(found))
                    values = (np.log(counts) + 1) * rarity[places]
                    result[number] += values / np.linalg.norm(values) @ weights[places + first]
                first += len(vocabulary)
        return result

    def state(self) -> dict[str, object]:
        """What was learned, as JSON values and arrays."""
        return {
            name: {"vocabulary": {k: int(v) for k, v in part.vocabulary_.items()}, "idf": part.idf_.tolist()}
            for name, part in (("characters", self._characters), ("words", self._words))
        }

    def restore(self, state: dict[str, dict[str, object]]) -> None:
        """Take up what `state` gave."""
        self._fitted = None
        for name, part in (("characters", self._characters), ("words", self._words)):
            part.vocabulary_ = state[name]["vocabulary"]
            part.fixed_vocabulary_ = False
            part.idf_ = np.array(state[name]["idf"], dtype=np.float32)


REGULARISATION = 0.3
# How the two scores are added where there are too few messages to learn it from: what was learned with the shipped encoder.
USUAL_SUM = (4.5, 0.6)
FEWEST_UNSEEN = 300


class IntentModel:
    """Ranks the intents of a message. Make one with `train` or `load`.

    Args:
        vectorizer: gives the n-grams.
        intents: names of the columns.
        weights, bias: of the linear model on n-grams, shapes (f, n) and (n,).
        columns: for each intent its column in the encoder's head, -1 where the head does not know it.
        sums: what the scores of linear model and head are multiplied with before they are added.
    """

    def __init__(
        self,
        vectorizer: NgramVectorizer,
        intents: Sequence[str],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        columns: NDArray[np.int_],
        sums: tuple[float, float],
    ) -> None:
        self._vectorizer = vectorizer
        self._intents = list(intents)
        self._weights = weights
        self._bias = bias
        self._columns = columns
        self._sums = sums

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        head: NDArray[np.float32],
        head_intents: Sequence[str],
        unseen: NDArray[np.bool_],
        intents: Sequence[str],
    ) -> IntentModel:
        """Train on examples.

        How linear model and head are added is learned on messages that neither has seen, so that the sum is calibrated: of
        the messages with a confidence of 0.8 about four in five are right.

        Args:
            texts: normalised texts.
            head: what the encoder's head says of the unseen ones, shape (unseen ones, intents of the head).
            head_intents: names of the head's columns.
            unseen: which of them the encoder was not trained on.
            intents: their intents.
        """
        vectorizer = NgramVectorizer()
        features = vectorizer.fit_transform(texts)
        names, target = np.unique(np.array(intents), return_inverse=True)
        places = {name: number for number, name in enumerate(head_intents)}
        columns = np.array([places.get(name, -1) for name in names])
        sums = USUAL_SUM
        if unseen.sum() >= FEWEST_UNSEEN:
            model = LinearSVC(C=REGULARISATION).fit(features[~unseen], target[~unseen])
            if len(model.classes_) == len(names):
                linear = model.decision_function(features[unseen])
                sums = _fitted_sums(linear, _known(head, columns), target[unseen])
        model = LinearSVC(C=REGULARISATION).fit(features, target)
        weights, bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
        return cls(vectorizer, names.tolist(), weights, bias, columns, sums)

    def rank(self, normal_text: str, head: NDArray[np.float32]) -> list[Ranked]:
        """All intents, the likeliest first; their confidences add up to 1.

        Args:
            normal_text: the message in normal spelling; may be empty.
            head: what the encoder's head says of it, shape (1, intents of the head).
        """
        linear = self._vectorizer.scores([normal_text], self._weights) + self._bias
        probabilities = softmax(self._sums[0] * linear + self._sums[1] * _known(head, self._columns), axis=1)[0]
        order = np.argsort(-probabilities, kind="stable")
        return [Ranked(self._intents[index], float(probabilities[index])) for index in order]

    def save(self, directory: Path) -> None:
        """Write the model into a directory."""
        arrays = {"weights": self._weights, "bias": self._bias, "columns": self._columns}
        np.savez_compressed(directory / "intents.npz", **arrays)
        settings = {"intents": self._intents, "sums": self._sums, "ngrams": self._vectorizer.state()}
        (directory / "intents.json").write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read what `save` wrote."""
        arrays = np.load(directory / "intents.npz")
        settings = json.loads((directory / "intents.json").read_text(encoding="utf-8"))
        vectorizer = NgramVectorizer()
        vectorizer.restore(settings["ngrams"])
        return cls(
            vectorizer,
            settings["intents"],
            arrays["weights"],
            arrays["bias"],
            arrays["columns"],
            tuple(settings["sums"]),
        )


def _known(head: NDArray[np.float32], columns: NDArray[np.int_]) -> NDArray[np.float32]:
    """The head's scores in the order of the intents; one that it does not know gets its lowest."""
    scores = head[:, columns]
    scores[:, columns < 0] = head.min(axis=1, keepdims=True)
    return scores


def _fitted_sums(
    linear: NDArray[np.float64], head: NDArray[np.float32], target: NDArray[np.int_]
) -> tuple[float, float]:
    """The factors with which the summed scores give the true intents the highest likelihood."""

    def loss(logarithms: NDArray[np.float64]) -> float:
        first, second = np.exp(logarithms)
        probabilities = softmax(first * linear + second * head, axis=1)
        return float(-np.log(probabilities[np.arange(len(target)), target] + 1e-12).mean())

    first, second = np.exp(minimize(loss, np.log(USUAL_SUM), method="Nelder-Mead", options={"maxiter": 150}).x)
    return float(first), float(second)
