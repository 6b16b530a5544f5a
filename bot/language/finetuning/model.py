"""The encoder as a PyTorch module with its heads: intents, risk levels, risk categories."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bot.language.finetuning.e5_file import E5Weights


class Layer(nn.Module):
    """One BERT layer, normalised after each sum."""

    def __init__(self, hidden: int, heads: int, feed_forward: int, epsilon: float, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden, eps=epsilon)
        self.wide = nn.Linear(hidden, feed_forward)
        self.narrow = nn.Linear(feed_forward, hidden)
        self.final_norm = nn.LayerNorm(hidden, eps=epsilon)

    def forward(self, x: Tensor, mask: Tensor | float) -> Tensor:
        """States (batch, length, hidden) and a mask (batch, 1, 1, length), 0 where a token is and very low where none is."""
        batch, length, hidden = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        # By hand: backwards, PyTorch's own attention takes as long as all the rest on a processor.
        attention = torch.softmax(q @ k.transpose(-1, -2) / (hidden // self.heads) ** 0.5 + mask, dim=-1)
        read = self.out((attention @ v).transpose(1, 2).reshape(batch, length, hidden))
        x = self.norm(x + self._some_left_out(read))
        changed = self.narrow(functional.gelu(self.wide(x)))
        final: Tensor = self.final_norm(x + self._some_left_out(changed))
        return final

    def _some_left_out(self, x: Tensor) -> Tensor:
        """Dropout from random bytes: drawing a float for each number took an eighth of a step."""
        if not self.training or not self.dropout:
            return x
        limit = round(self.dropout * 256)
        kept = torch.randint(2**63 - 1, (-(-x.numel() // 7),)).view(torch.uint8).view(-1, 8)[:, :7] >= limit
        return x * (kept.reshape(-1)[: x.numel()].view(x.shape) * (256 / (256 - limit))).to(x.dtype)


class Encoder(nn.Module):
    """multilingual-e5-small with the rows of its vocabulary that are kept; gives the mean of the token states.

    The lowest `frozen` layers are not trained, nor words and positions where there is one.
    """

    def __init__(self, weights: E5Weights, kept: NDArray[np.int64], frozen: int = 0, dropout: float = 0.1) -> None:
        super().__init__()
        self.frozen = frozen
        tensors = weights.tensors
        self.pad = int(np.flatnonzero(kept == weights.vocabulary.pad)[0])
        # Sparse: a batch holds a few hundred of the 67,000 words.
        self.words = nn.Embedding.from_pretrained(_tensor(tensors["emb.word"][kept]), freeze=False, sparse=True)
        self.positions = nn.Embedding.from_pretrained(
            _tensor(tensors["emb.pos"] + tensors["emb.type"][0]), freeze=False
        )
        self.norm = nn.LayerNorm(weights.hidden, eps=weights.epsilon)
        _set(self.norm, tensors, "emb.ln")
        self.layers = nn.ModuleList()
        for number in range(weights.layers):
            layer = Layer(
                weights.hidden,
                weights.heads,
                weights.feed_forward,
                weights.epsilon,
                0.0 if number < frozen else dropout,
            )
            name = f"l{number}."
            layer.qkv.weight.data = _tensor(np.concatenate([tensors[f"{name}{part}.w"] for part in "qkv"]))
            layer.qkv.bias.data = _tensor(np.concatenate([tensors[f"{name}{part}.b"] for part in "qkv"]))
            for module, part in (
                (layer.out, "ao"),
                (layer.norm, "aln"),
                (layer.wide, "fi"),
                (layer.narrow, "fo"),
                (layer.final_norm, "oln"),
            ):
                _set(module, tensors, name + part)
            self.layers.append(layer)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (batch, hidden) of token numbers (batch, length), padded at the end."""
        there = ids != self.pad
        mask = torch.where(there, 0.0, -1e9)[:, None, None, :]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        for number, layer in enumerate(self.layers):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= self.frozen):
                x = layer(x, mask)
        weight = there.float()[:, :, None]
        return (x * weight).sum(1) / weight.sum(1)


class Heads(nn.Module):
    """Linear heads on the centred and scaled vector."""

    def __init__(self, mean: Tensor, scale: Tensor, intents: int, levels: int, categories: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.intents = nn.Linear(len(mean), intents)
        self.levels = nn.Linear(len(mean), levels)
        self.categories = nn.Linear(len(mean), categories)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of intents, of "at least this level", and of categories."""
        x = functional.dropout((vectors - self.mean) / self.scale, 0.1, self.training)
        return self.intents(x), self.levels(x), self.categories(x)


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32).copy())


def _set(module: nn.Linear | nn.LayerNorm, tensors: dict[str, NDArray[np.float32]], name: str) -> None:
    module.weight.data = _tensor(tensors[f"{name}.w"])
    module.bias.data = _tensor(tensors[f"{name}.b"])
