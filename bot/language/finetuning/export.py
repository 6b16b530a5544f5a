"""Writes the trained encoder for the product: word vectors and layers in 8 bit, heads, tokenizer and a card."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from torch import Tensor, nn

from bot.language.finetuning.model import Encoder, Heads
from bot.language.finetuning.train import Labels
from bot.language.tokenization import PieceTokenizer

# Weights that share a scale, and the accuracy level of onnxruntime that multiplies in 8 bit.
BLOCK = 128
IN_8_BIT = 4


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
) -> None:
    """Write `words.npz`, `layers.onnx`, `heads.npz`, `tokenizer.json` and `card.json`."""
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
        # In blocks: with one scale a tensor for what flows through the layers, the heads lost 1.3 points of top-1; so 0.2.
        logging.getLogger(MatMulNBitsQuantizer.__module__).setLevel(logging.WARNING)
        quantizer = MatMulNBitsQuantizer(
            onnx.load(whole), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=IN_8_BIT
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(directory / "layers.onnx"))
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


def _rows_in_8_bit(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Whole numbers of -127 to 127 and a scale for each row."""
    scales = (np.abs(matrix).max(axis=1) / 127).astype(np.float16)
    safe = np.maximum(scales.astype(np.float32), 1e-8)[:, None]
    return np.clip(np.round(matrix / safe), -127, 127).astype(np.int8), scales
