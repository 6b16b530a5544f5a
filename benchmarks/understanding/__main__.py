"""Rasa's default configuration, the fine-tuned encoder alone, and this project, trained and tested on the same data in one run.

    .venv/bin/python -m benchmarks.understanding [--only NAME ...] [--epochs N]

Each system runs in a process of its own, one after the other. Prints top-1 and top-3 per audience, expected calibration error,
milliseconds a message (median) and memory; writes `report.md` and `confusion.png` beside this file.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

HERE = Path(__file__).parent
RASA_EPOCHS = 100
SYSTEMS = {
    "rasa_default": "Rasa's default configuration (DIET)",
    "head": "the fine-tuned encoder alone",
    "wijzer": "this project",
}
Ranking = list[tuple[str, float]]


def test_entries() -> list[dict[str, Any]]:
    """The project's own test split."""
    from bot.language.examples import NLU_DIRECTORY, read_json_lines

    return [
        dict(one) for path in sorted((NLU_DIRECTORY / "test").glob("intents_*.jsonl")) for one in read_json_lines(path)
    ]


def rasa_default(epochs: int) -> Callable[[str], Ranking]:
    """Train DIET on the intent examples; a function that ranks the intents of a text."""
    import asyncio

    import yaml
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    from bot.conversation.rasa_agent import quiet_rasa
    from bot.language.examples import training_examples

    quiet_rasa()
    work = Path(tempfile.mkdtemp())
    blocks: dict[str, list[str]] = defaultdict(list)
    for one in training_examples():
        blocks[one.intent].append(one.text)
    data = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in blocks.items()
    ]
    (work / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": data}, allow_unicode=True), encoding="utf-8")
    config = yaml.safe_load((HERE / "rasa_default.yml").read_text(encoding="utf-8"))
    config["pipeline"][5]["epochs"] = epochs
    (work / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    model = train_nlu(str(work / "config.yml"), str(work / "nlu.yml"), str(work))
    agent = Agent.load(model)
    loop = asyncio.new_event_loop()

    def rank(text: str) -> Ranking:
        parsed = loop.run_until_complete(agent.parse_message(text))
        ranking = [(one["name"], float(one["confidence"])) for one in parsed["intent_ranking"]]
        return [one for one in ranking if one[0] != "nlu_fallback"]

    return rank


def head(epochs: int) -> Callable[[str], Ranking]:
    """The head of the fine-tuned encoder alone."""
    from scipy.special import softmax

    from bot.language.encoder import sentence_encoder
    from bot.language.spelling import normalize

    encoder = sentence_encoder()

    def rank(text: str) -> Ranking:
        likely = softmax(encoder.heads(encoder.encode(normalize(text))[None]).intents[0])
        return [(encoder.intents[number], float(likely[number])) for number in np.argsort(-likely)[:10]]

    return rank


def wijzer(epochs: int) -> Callable[[str], Ranking]:
    """The project's own pipeline, entities and risk included."""
    from bot.conversation.rasa_agent import RasaAgent
    from bot.settings import load_settings
    from bot.training import ensure_trained

    agent = RasaAgent(ensure_trained(load_settings({}), lambda step, done, total: None))

    def rank(text: str) -> Ranking:
        ranking = agent.parse_now(text)["intent_ranking"]
        return [(one["name"], one["confidence"]) for one in ranking if one["name"] != "nlu_fallback"]

    return rank


def measure(rank: Callable[[str], Ranking]) -> dict[str, Any]:
    """Figures of one system, and what it read each message as."""
    from bot.evaluation import IntentTally

    tally = IntentTally()
    milliseconds, read_as = [], []
    for entry in test_entries():
        started = time.perf_counter()
        ranking = rank(entry["text"])
        milliseconds.append((time.perf_counter() - started) * 1000)
        hit = tally.add(entry, [name for name, _ in ranking], ranking[0][1])
        read_as.append([entry["intent"], entry["intent"] if hit else ranking[0][0]])
    return {
        "hits": tally.groups,
        "calibration_error": tally.calibration_error(),
        "median_milliseconds": float(np.median(milliseconds)),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "read_as": read_as,
    }


def report(results: dict[str, dict[str, Any]], epochs: int) -> str:
    """The figures as Markdown; `epochs` is how long DIET was trained."""
    groups = sorted(
        {group for one in results.values() for group in one["hits"]}, key=lambda name: (name != "all", name)
    )
    lines = [
        "# Understanding: one data set, one run",
        "",
        "Made by `python -m benchmarks.understanding`. Shares are top-1 / top-3 on the project's own test split.",
        *(
            [f"Rasa's default configuration was trained for {epochs} epochs; its default is {RASA_EPOCHS}."]
            if "rasa_default" in results
            else []
        ),
        "",
        "| | " + " | ".join(SYSTEMS[name] for name in results) + " |",
        "| --- |" + " --- |" * len(results),
    ]
    for group in groups:
        cells = []
        for one in results.values():
            first, third, total = one["hits"][group]
            cells.append(f"{first / total:.1%} / {third / total:.1%}")
        count = next(iter(results.values()))["hits"][group][2]
        lines.append(f"| {group} ({count}) | " + " | ".join(cells) + " |")
    for label, key, form in (
        ("expected calibration error", "calibration_error", "{:.1%}"),
        ("ms a message, median", "median_milliseconds", "{:.1f}"),
        ("training, seconds", "training_seconds", "{:.0f}"),
        ("memory at most, MB", "megabytes", "{:.0f}"),
    ):
        lines.append(f"| {label} | " + " | ".join(form.format(one[key]) for one in results.values()) + " |")
    return "\n".join(lines) + "\n"


def draw_confusion(read_as: list[list[str]], file: Path) -> None:
    """What was read as what, as a picture; the diagonal is what was right."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sorted({name for pair in read_as for name in pair})
    counts = np.zeros((len(names), len(names)))
    for wanted, found in read_as:
        counts[names.index(wanted), names.index(found)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = pyplot.subplots(figsize=(17, 16))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("read as")
    axes.set_ylabel("intent")
    figure.tight_layout()
    figure.savefig(file, dpi=110)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(SYSTEMS)), help="Only these systems.")
@click.option("--epochs", default=RASA_EPOCHS, show_default=True, help="Epochs of DIET, four minutes each.")
@click.option("--one", type=click.Choice(list(SYSTEMS)), hidden=True)
@click.option("--out", type=click.Path(path_type=Path), hidden=True)
def main(only: tuple[str, ...], epochs: int, one: str | None, out: Path | None) -> None:
    """Train and test; print the report."""
    if one and out:
        started = time.monotonic()
        rank = globals()[one](epochs)
        seconds = time.monotonic() - started
        out.write_text(json.dumps({**measure(rank), "training_seconds": seconds}), encoding="utf-8")
        sys.stdout.flush()
        return
    results = {}
    for name in only or SYSTEMS:
        with tempfile.TemporaryDirectory() as work:
            file = Path(work) / "result.json"
            command = [sys.executable, "-m", "benchmarks.understanding", "--one", name, "--out", str(file)]
            subprocess.run([*command, "--epochs", str(epochs)], check=True)
            results[name] = json.loads(file.read_text(encoding="utf-8"))
    text = report(results, epochs)
    (HERE / "report.md").write_text(text, encoding="utf-8")
    draw_confusion(results[list(results)[-1]]["read_as"], HERE / "confusion.png")
    click.echo(text)


if __name__ == "__main__":
    main()
