"""Sentence meaning: multilingual-e5-small, fine-tuned on intents and risk, in 8 bit with onnxruntime.

`bot.language.finetuning` makes the files; `model/card.json` says from which data and with which figures.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language.tokenization import PieceTokenizer

DIMENSION = 384
# Long messages are cut: 5 windows of so many words are read, the first and the last always; the risk reader chooses 3 more.
WINDOW_WORDS = 60
MAXIMUM_WINDOWS = 5
MODEL_DIRECTORY = Path(__file__).with_name("model")
CACHE_FILE = Path(__file__).resolve().parents[2] / "nlu_data" / "encodings.npz"
SAVED_EVERY = 2_000

Vectors = NDArray[np.float32]


class EncoderError(RuntimeError):
    """The encoder's files are missing or damaged; the message says what to do."""


@dataclass(frozen=True)
class HeadLogits:
    """What the encoder's own heads say, one row a text.

    Attributes:
        intents: in the order of `SentenceEncoder.intents`.
        levels: of at least concern, at least high, acute.
        categories: in the order of `SentenceEncoder.categories`.
    """

    intents: NDArray[np.float32]
    levels: NDArray[np.float32]
    categories: NDArray[np.float32]


class SentenceEncoder:
    """Encodes normalised texts; safe to use from several threads. One a process: see `sentence_encoder`.

    Args:
        directory: where `words.npz`, `layers.onnx`, `heads.npz`, `tokenizer.json` and `trained_on.npy` lie.

    Raises:
        EncoderError: they cannot be read.
    """

    def __init__(self, directory: Path = MODEL_DIRECTORY) -> None:
        try:
            with np.load(directory / "words.npz") as words:
                self._words, self._scales = words["words"], words["scales"].astype(np.float32)[:, None]
            with np.load(directory / "heads.npz") as heads:
                self._heads = {name: heads[name] for name in heads.files}
            self._trained_on = np.load(directory / "trained_on.npy")
            self.tokenizer = PieceTokenizer.load(directory / "tokenizer.json")
            self._session = _session(directory / "layers.onnx")
        except Exception as error:  # onnxruntime has many of its own
            raise EncoderError(
                f"the encoder in {directory} cannot be read ({error}): restore it from the repository"
            ) from error
        self.intents: list[str] = self._heads["intents"].tolist()
        self.categories: list[str] = self._heads["categories"].tolist()

    def encode(self, text: str) -> Vectors:
        """The vector of one text, of length one, shape (384,). A long text is read in windows, whose mean is taken."""
        return mean_of(self.encode_windows(text))

    def encode_windows(self, text: str) -> Vectors:
        """The vectors of the windows of a text, at most five, shape (windows, 384)."""
        return _unit(np.vstack([self._encode_window(window) for window in windows_of(text)]))

    def encode_many(
        self,
        texts: Sequence[str],
        cache: EncodingCache | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Vectors:
        """The vectors of many texts, shape (n, 384); those in the cache are not computed again, new ones go into it."""
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for number, text in enumerate(texts):
            found = cache.get(text) if cache else None
            if found is None:
                found = self.encode(text)
                if cache:
                    cache.put(text, found)
            vectors[number] = found
            if progress and (number % 100 == 99 or number + 1 == len(texts)):
                progress(number + 1, len(texts))
            if cache and number % SAVED_EVERY == SAVED_EVERY - 1:
                cache.save()
        return vectors

    def heads(self, vectors: Vectors) -> HeadLogits:
        """What the heads say of vectors of length one, shape (n, 384)."""
        scaled = (vectors - self._heads["mean"]) / self._heads["scale"]
        return HeadLogits(*(self._head(name, scaled) for name in ("intents", "levels", "categories")))

    def _head(self, name: str, scaled: Vectors) -> NDArray[np.float32]:
        return np.asarray(scaled @ self._heads[f"{name}_weight"].T + self._heads[f"{name}_bias"], dtype=np.float32)

    def is_trained_on(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Which texts (as typed) the encoder was trained on: what it says of them is too good to learn from."""
        return np.isin(np.array([text_key(text) for text in texts], dtype=np.uint64), self._trained_on)

    def _encode_window(self, text: str) -> Vectors:
        ids = self.tokenizer.encode(text)
        words = (self._words[ids].astype(np.float32) * self._scales[ids])[None]
        (mean,) = self._session.run(None, {"words": words})
        return np.asarray(mean, dtype=np.float32)


def _session(file: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One message is too short to share: a second thread would only wait for the first.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Where the processor has no whole-number instructions of its own (VNNI), sums of 8-bit products would be cut off.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


@functools.lru_cache(maxsize=1)
def sentence_encoder() -> SentenceEncoder:
    """The encoder of this process."""
    return SentenceEncoder()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def text_key(text: str) -> int:
    """A number of 64 bits that stands for a text."""
    return int.from_bytes(_digest(text)[:8], "little")


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def mean_of(windows: Vectors) -> Vectors:
    """The vector of a text from those of its windows, of length one, shape (384,)."""
    return _unit(windows.mean(axis=0, keepdims=True))[0]


def windows_of(text: str) -> list[str]:
    """A text in at most five windows of 60 words; of a longer one the first, the last, and evenly spread ones between."""
    words = text.split()
    if len(words) <= WINDOW_WORDS:
        # Without spaces a text can still be very long.
        return [text[:1000]]
    windows = [" ".join(words[start : start + WINDOW_WORDS])[:1000] for start in range(0, len(words), WINDOW_WORDS)]
    if len(windows) > MAXIMUM_WINDOWS:
        chosen = np.linspace(0, len(windows) - 1, MAXIMUM_WINDOWS).round().astype(int)
        windows = [windows[number] for number in chosen]
    return windows


class EncodingCache:
    """Vectors by the hash of their text, in one file that ships with the data (8 bit)."""

    def __init__(self, file: Path = CACHE_FILE) -> None:
        self.file = file
        self._vectors: dict[str, NDArray[np.int8]] = {}
        self._used: set[str] = set()
        self.changed = False
        if file.exists():
            try:
                with np.load(file) as content:
                    if str(content["encoder"]) == _encoder_mark():
                        self._vectors = dict(zip(content["keys"].tolist(), content["vectors"]))
            except (OSError, ValueError, KeyError, EOFError):
                # A damaged cache costs time, nothing else: it is made again.
                self.changed = True

    @staticmethod
    def _key(text: str) -> str:
        return _digest(text).hex()[:20]

    def get(self, text: str) -> Vectors | None:
        """The vector of a text, or None when it is not there."""
        key = self._key(text)
        self._used.add(key)
        stored = self._vectors.get(key)
        if stored is None:
            return None
        return _unit(stored.astype(np.float32)[None])[0]

    def put(self, text: str, vector: Vectors) -> None:
        """Keep the vector of a text. It has length one, so that no scale has to be kept."""
        scaled = vector / max(float(np.abs(vector).max()), 1e-9) * 127
        self._vectors[self._key(text)] = np.round(scaled).astype(np.int8)
        self.changed = True

    def save(self, only_used: bool = False) -> None:
        """Write the file when something changed; with `only_used`, without texts that nobody asked for."""
        keys = [key for key in self._vectors if not only_used or key in self._used]
        if not self.changed and len(keys) == len(self._vectors):
            return
        keys.sort()
        vectors = np.array([self._vectors[key] for key in keys], dtype=np.int8).reshape(len(keys), DIMENSION)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp.npz")
        np.savez(temporary, keys=np.array(keys, dtype="U20"), vectors=vectors, encoder=np.array(_encoder_mark()))
        temporary.replace(self.file)
        self.changed = False


@functools.lru_cache(maxsize=1)
def _encoder_mark() -> str:
    """Which encoder the vectors are of: they mean nothing to another one."""
    return hashlib.sha256((MODEL_DIRECTORY / "layers.onnx").read_bytes()).hexdigest()[:16]
