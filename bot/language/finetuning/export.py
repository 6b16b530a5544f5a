"""Writes the trained encoder for the product: word vectors and layers in 8 bit, heads, tokenizer and a card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bot.language.finetuning.integers import SMOOTHED, in_whole_numbers
from bot.language.finetuning.model import Encoder, Heads
from bot.language.finetuning.train import Labels
from bot.language.tokenization import PieceTokenizer


class _Layers(nn.Module):
    """The encoder from word vectors on, for one text without padding."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, words: Tensor) -> Tensor:
        """Word vectors (1, length, hidden) to the mean of the token states (1, hidden)."""
        x = self.encoder.norm(words + self.encoder.positions.weight[: words.shape[1]])
        for layer in self.encoder.layers:
            x = layer(x, 0.0)
        return x.mean(1)


def export(
    encoder: Encoder,
    heads: Heads,
    tokenizer: PieceTokenizer,
    labels: Labels,
    card: dict[str, object],
    directory: Path,
    texts: Sequence[str],
) -> None:
    """Write `words.npz`, `layers.onnx`, `heads.npz`, `tokenizer.json` and `card.json`.

    Args:
        encoder: as trained.
        heads: as trained.
        tokenizer: of the encoder.
        labels: the classes of the heads.
        card: what the encoder was made from, and how.
        directory: where to; made when it is not there.
        texts: some hundreds, in normal spelling; they show how large what flows through the layers becomes.
    """
    encoder.eval()
    heads.eval()
    directory.mkdir(parents=True, exist_ok=True)
    words, scales = _rows_in_8_bit(encoder.words.weight.detach().numpy())
    np.savez_compressed(directory / "words.npz", words=words, scales=scales)
    with tempfile.TemporaryDirectory() as work:
        whole = Path(work) / "whole.onnx"
        torch.onnx.export(
            _Layers(encoder),
            (torch.zeros(1, 8, encoder.words.embedding_dim),),
            str(whole),
            input_names=["words"],
            output_names=["mean"],
            dynamic_axes={"words": {1: "length"}},
            opset_version=17,
            dynamo=False,
        )
        onnx.save(in_whole_numbers(onnx.load(whole), _largest(encoder, tokenizer, texts)), directory / "layers.onnx")
    np.savez(
        directory / "heads.npz",
        mean=heads.mean.numpy(),
        scale=heads.scale.numpy(),
        intents=np.array(labels.intents),
        categories=np.array(labels.categories),
        **{
            f"{name}_{part}": getattr(getattr(heads, name), part).detach().numpy()
            for name in ("intents", "levels", "categories")
            for part in ("weight", "bias")
        },
    )
    tokenizer.save(directory / "tokenizer.json")
    (directory / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@torch.no_grad()
def _largest(
    encoder: Encoder, tokenizer: PieceTokenizer, texts: Sequence[str]
) -> dict[tuple[int, str], NDArray[np.float32]]:
    """For each layer and smoothed place the largest size of each input channel over the texts, shape (in,)."""
    largest: dict[tuple[int, str], Tensor] = {}

    def watch(key: tuple[int, str], flowing: Tensor) -> None:
        sizes = flowing.abs().amax(dim=(0, 1))
        largest[key] = torch.maximum(largest.get(key, sizes), sizes)

    watched = [
        getattr(layer, place).register_forward_pre_hook(
            lambda _, inputs, key=(number, place): watch(key, inputs[0])  # type: ignore[misc]
        )
        for number, layer in enumerate(encoder.layers)
        for place in SMOOTHED
    ]
    for text in texts:
        encoder(torch.tensor([tokenizer.encode(text)]))
    for one in watched:
        one.remove()
    return {key: sizes.numpy() for key, sizes in largest.items()}


def _rows_in_8_bit(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Whole numbers of -127 to 127 and a scale for each row."""
    scales = (np.abs(matrix).max(axis=1) / 127).astype(np.float16)
    safe = np.maximum(scales.astype(np.float32), 1e-8)[:, None]
    return np.clip(np.round(matrix / safe), -127, 127).astype(np.int8), scales
