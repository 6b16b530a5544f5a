"""Reads the encoder that the project ships back into arrays, so that training can go on from it when data was added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from bot.language.finetuning.e5_file import E5Weights, Vocabulary
from bot.language.finetuning.integers import WEIGHTS, matrix_of, place_of
from bot.language.finetuning.model import Heads
from bot.language.finetuning.train import Labels
from bot.language.tokenization import PieceTokenizer

EPSILON = 1e-12
ATTENTION_HEADS = 12


def read_shipped(directory: Path) -> E5Weights:
    """The weights in float32, as 8 bit left them; its vocabulary is the one that is kept.

    Args:
        directory: as `export` wrote it.
    """
    tokenizer = PieceTokenizer.load(directory / "tokenizer.json")
    special = tokenizer.special
    vocabulary = Vocabulary(
        tokenizer.pieces, special["bos"], special["eos"], special["pad"], special["unknown"], tokenizer.normal
    )
    with np.load(directory / "words.npz") as words:
        tensors = {"emb.word": words["words"].astype(np.float32) * words["scales"].astype(np.float32)[:, None]}
    graph = onnx.load(directory / "layers.onnx").graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    tensors["emb.pos"] = stored["encoder.positions.weight"]
    tensors["emb.type"] = np.zeros((1, tensors["emb.pos"].shape[1]), dtype=np.float32)
    tensors |= _norm(stored, "encoder.norm", "emb.ln")
    layers = 0
    for node in graph.node:
        if node.name + WEIGHTS not in stored or (at := place_of(node.name)) is None:
            continue
        number, place = at
        layers = max(layers, number + 1)
        constants = stored[f"encoder.layers.{number}.{place}.bias"]
        tensors |= _named(matrix_of(stored, node.name), constants, number, place)
    for number in range(layers):
        tensors |= _norm(stored, f"encoder.layers.{number}.norm", f"l{number}.aln")
        tensors |= _norm(stored, f"encoder.layers.{number}.final_norm", f"l{number}.oln")
    hidden, feed_forward = tensors["emb.word"].shape[1], len(tensors["l0.fi.b"])
    return E5Weights(hidden, layers, ATTENTION_HEADS, feed_forward, EPSILON, vocabulary, tensors)


def read_heads(directory: Path) -> tuple[Heads, Labels]:
    """The heads and the names of their classes."""
    with np.load(directory / "heads.npz") as content:
        stored = {name: content[name] for name in content.files}
    labels = Labels(stored["intents"].tolist(), stored["categories"].tolist())
    heads = Heads(
        torch.from_numpy(stored["mean"]),
        torch.from_numpy(stored["scale"]),
        len(labels.intents),
        len(stored["levels_bias"]),
        len(labels.categories),
    )
    for name in ("intents", "levels", "categories"):
        head = getattr(heads, name)
        head.weight.data = torch.from_numpy(stored[f"{name}_weight"])
        head.bias.data = torch.from_numpy(stored[f"{name}_bias"])
    return heads, labels


def _named(
    matrix: NDArray[np.float32], bias: NDArray[np.float32], number: int, place: str
) -> dict[str, NDArray[np.float32]]:
    """A matrix of a layer and its constants by their names; queries, keys and values are three."""
    if place == "qkv":
        return {
            key: value
            for part, rows, constants in zip("qkv", np.split(matrix, 3), np.split(bias, 3))
            for key, value in ((f"l{number}.{part}.w", rows), (f"l{number}.{part}.b", constants))
        }
    short = {"out": "ao", "wide": "fi", "narrow": "fo"}[place]
    return {f"l{number}.{short}.w": matrix, f"l{number}.{short}.b": bias}


def _norm(stored: dict[str, NDArray[np.float32]], name: str, short: str) -> dict[str, NDArray[np.float32]]:
    return {f"{short}.w": stored[f"{name}.weight"], f"{short}.b": stored[f"{name}.bias"]}
