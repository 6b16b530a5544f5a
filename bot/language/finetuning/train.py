"""Training: length-bucketed batches, both tasks in every batch, heads that start from the linear solution."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional

from bot.language.finetuning.data import Labelled, roughened
from bot.language.finetuning.model import Encoder, Heads
from bot.language.spelling import normalize
from bot.language.tokenization import PieceTokenizer

NOT_SAID = -100


@dataclass(frozen=True)
class Recipe:
    """How is trained; what the shipped encoder was trained with stands in its `card.json`."""

    epochs: float = 3.0
    batch: int = 32
    rate: float = 1.2e-4
    head_rate: float = 5e-4
    layer_decay: float = 0.95
    weight_decay: float = 0.01
    warm_up: float = 0.08
    smoothing: float = 0.1
    frozen_layers: int = 0
    risk_weight: float = 1.0
    raw_share: float = 0.25
    bfloat16: bool = True
    repeated_share: float = 0.5
    new_share: float = 1.0
    seed: int = 7


@dataclass(frozen=True)
class Labels:
    """Names of the classes of the heads."""

    intents: list[str]
    categories: list[str]

    @classmethod
    def of(cls, examples: Sequence[Labelled]) -> Labels:
        """The classes that the examples name."""
        return cls(
            sorted({one.intent for one in examples if one.intent}),
            sorted({one.category for one in examples if one.category}),
        )


def padded(rows: Sequence[list[int]], pad: int) -> Tensor:
    """Token numbers as one tensor (batch, longest)."""
    width = max(map(len, rows))
    return torch.tensor([row + [pad] * (width - len(row)) for row in rows])


@torch.no_grad()
def vectors_of(encoder: Encoder, tokenizer: PieceTokenizer, texts: Sequence[str]) -> Tensor:
    """Vectors of length one of normalised texts, shape (n, hidden)."""
    encoder.eval()
    rows = [tokenizer.encode(text) for text in texts]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    result = torch.zeros(len(rows), encoder.words.embedding_dim)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        result[chosen] = functional.normalize(encoder(padded([rows[index] for index in chosen], encoder.pad)))
    return result


def linear_heads(vectors: NDArray[np.float32], examples: Sequence[Labelled], labels: Labels) -> Heads:
    """Heads with the weights of logistic regressions on the vectors of the encoder as it is now."""
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    features = (vectors - mean) / scale
    heads = Heads(torch.from_numpy(mean), torch.from_numpy(scale), len(labels.intents), 3, len(labels.categories))

    def fit(chosen: list[int], target: list[object], head: torch.nn.Linear) -> None:
        model = LogisticRegression(C=0.02, max_iter=60).fit(features[chosen], target)
        head.weight.data = torch.from_numpy(model.coef_.astype(np.float32))
        head.bias.data = torch.from_numpy(model.intercept_.astype(np.float32))

    said = [number for number, one in enumerate(examples) if one.intent]
    fit(said, [examples[number].intent for number in said], heads.intents)
    categorised = [number for number, one in enumerate(examples) if one.category]
    fit(categorised, [examples[number].category for number in categorised], heads.categories)
    levels = np.array([one.level for one in examples])
    for level in range(3):
        model = LogisticRegression(C=0.02, max_iter=60).fit(features, levels > level)
        heads.levels.weight.data[level] = torch.from_numpy(model.coef_[0].astype(np.float32))
        heads.levels.bias.data[level] = float(model.intercept_[0])
    return heads


def _batches(lengths: Sequence[int], chosen: Sequence[int], size: int, generator: random.Random) -> Iterator[list[int]]:
    """Numbers of the chosen examples, those of about the same length together, in random order."""
    order = sorted(chosen, key=lambda number: lengths[number] + generator.random() * 4)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    generator.shuffle(batches)
    yield from batches


def train(
    encoder: Encoder,
    heads: Heads,
    tokenizer: PieceTokenizer,
    examples: Sequence[Labelled],
    labels: Labels,
    recipe: Recipe,
    known: Set[int],
    after_epoch: Callable[[float, float], None],
) -> None:
    """Train encoder and heads.

    Args:
        encoder: trained in place.
        heads: trained in place.
        tokenizer: of the encoder.
        examples: what to train on.
        labels: the classes of the heads.
        recipe: how to train.
        known: numbers of the examples that the encoder was trained on before; a share of them is repeated in an epoch.
        after_epoch: called with the epoch and the mean loss.
    """
    torch.manual_seed(recipe.seed)
    generator = random.Random(recipe.seed)
    normal = [normalize(one.text) for one in examples]
    raw = [one.text[:600] for one in examples]
    intents = torch.tensor([labels.intents.index(one.intent) if one.intent else NOT_SAID for one in examples])
    categories = torch.tensor([labels.categories.index(one.category) if one.category else NOT_SAID for one in examples])
    levels = torch.tensor([[float(one.level > level) for level in range(3)] for one in examples])
    optimizer = torch.optim.AdamW(_groups(encoder, heads, recipe), betas=(0.9, 0.98), fused=True)
    optimizers: list[torch.optim.Optimizer] = [optimizer]
    if not encoder.frozen:
        rate = _lowest_rate(encoder, recipe)
        optimizers.append(torch.optim.SparseAdam([encoder.words.weight], lr=rate, betas=(0.9, 0.98)))
    fresh = [number for number in range(len(examples)) if number not in known]
    repeated = int(len(known) * recipe.repeated_share)
    per_epoch = -(-(len(fresh) + repeated) // recipe.batch)
    steps = int(per_epoch * recipe.epochs)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda step: _share(step, steps, recipe.warm_up)) for one in optimizers
    ]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    # In bfloat16 a step takes half as long and is as good where the processor knows it, and many times as long elsewhere.
    fast = recipe.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    step, losses, started = 0, [], time.monotonic()
    while step < steps:
        texts = [
            raw[number] if generator.random() < recipe.raw_share else roughened(normal[number], generator)
            for number in range(len(examples))
        ]
        rows = [tokenizer.encode(text) for text in texts]
        chosen = [*fresh, *generator.sample(sorted(known), repeated)]
        for batch in _batches([len(row) for row in rows], chosen, recipe.batch, generator):
            encoder.train()
            heads.train()
            ids = padded([rows[number] for number in batch], encoder.pad)
            # The sums of the loss stay in float32.
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
                vectors = encoder(ids)
            vectors = functional.normalize(vectors.float())
            of_intents, of_levels, of_categories = heads(vectors)
            loss = functional.binary_cross_entropy_with_logits(of_levels, levels[batch]) * recipe.risk_weight
            if (intents[batch] >= 0).any():
                loss = loss + _named_loss(of_intents, intents[batch], recipe.smoothing)
            if (categories[batch] >= 0).any():
                loss = loss + 0.3 * _named_loss(of_categories, categories[batch], recipe.smoothing)
            for each in optimizers:
                each.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            for each, schedule in zip(optimizers, schedules):
                each.step()
                schedule.step()
            losses.append(float(loss.detach()))
            step += 1
            if step % 50 == 0:
                taken = (time.monotonic() - started) / step
                left = taken * (steps - step) / 60
                print(
                    f"step {step}/{steps} loss {np.mean(losses[-50:]):.3f} {taken:.2f} s/step, {left:.0f} min left",
                    flush=True,
                )
            if step >= steps:
                break
        after_epoch(step / per_epoch, float(np.mean(losses[-per_epoch:])))


def _named_loss(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    # The share of the batch that has the label counts: else one message in a batch would weigh as much as thirty.
    said = (target >= 0).float().mean()
    return said * functional.cross_entropy(logits, target, ignore_index=NOT_SAID, label_smoothing=smoothing)


def _share(step: int, steps: int, warm_up: float) -> float:
    warm = max(int(steps * warm_up), 1)
    return (step + 1) / warm if step < warm else max((steps - step) / max(steps - warm, 1), 0.02)


def _lowest_rate(encoder: Encoder, recipe: Recipe) -> float:
    return recipe.rate * recipe.layer_decay ** len(encoder.layers)


def _groups(encoder: Encoder, heads: Heads, recipe: Recipe) -> list[dict[str, object]]:
    """Lower layers learn slower; the layers said stay as they are, and with them the words and positions below."""
    groups: list[dict[str, object]] = [{"params": list(heads.parameters()), "lr": recipe.head_rate}]
    count = len(encoder.layers)
    lowest = [*encoder.positions.parameters(), *encoder.norm.parameters()]
    for parameter in (encoder.words.weight, *lowest):
        parameter.requires_grad_(not encoder.frozen)
    if not encoder.frozen:
        groups.append({"params": lowest, "lr": _lowest_rate(encoder, recipe), "weight_decay": 0.0})
    for number, layer in enumerate(encoder.layers):
        if number < encoder.frozen:
            layer.requires_grad_(False)
            continue
        rate = recipe.rate * recipe.layer_decay ** (count - 1 - number)
        matrices = [p for p in layer.parameters() if p.ndim > 1]
        others = [p for p in layer.parameters() if p.ndim == 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": recipe.weight_decay})
        groups.append({"params": others, "lr": rate, "weight_decay": 0.0})
    return groups
