"""Set-up of what has to be made from the data: the spaCy pipeline, the risk classifier and the Rasa model.

A content hash of everything that they are made from decides whether anything has to be done.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.settings import PROJECT_DIRECTORY, Settings

Progress = Callable[[str, int, int], None]
SOURCES = (
    ("nlu_data", ("*.yml",)),
    ("nlu_data/topics", ("*.yml",)),
    ("nlu_data/rules", ("*.yml",)),
    ("nlu_data/lookup", ("**/*.txt",)),
    ("nlu_data/risk", ("positive_*.jsonl", "negative_*.jsonl", "corrected*.jsonl")),
    ("config", ("config.yml",)),
    ("config/domain", ("**/*.yml",)),
    ("bot/language", ("*.py", "*.txt", "model/card.json")),
    ("bot/risk", ("classifier.py", "segments.py", "component.py", "policy.py")),
    ("", ("requirements.lock",)),
)


class TrainingError(RuntimeError):
    """Training failed; the message says in which step."""


def content_hash(root: Path = PROJECT_DIRECTORY) -> str:
    """Hash of all files that the model is made from (12 hexadecimal characters)."""
    digest = hashlib.sha256()
    for directory, patterns in SOURCES:
        for pattern in patterns:
            for path in sorted((root / directory).glob(pattern)):
                digest.update(str(path.relative_to(root)).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def model_file(settings: Settings) -> Path:
    """Where the Rasa model of the present data lies, or will lie."""
    return settings.model_directory / f"wijzer-{content_hash()}.tar.gz"


def ensure_trained(settings: Settings, progress: Progress) -> Path:
    """Make what is missing; the Rasa model's file.

    Args:
        settings: where models lie.
        progress: called with the step's name, what is done and what there is to do.

    Raises:
        TrainingError: a step failed.
    """
    settings.model_directory.mkdir(parents=True, exist_ok=True)
    _ensure_pipeline(settings, progress)
    file = model_file(settings)
    if not file.exists():
        _train_risk(progress)
        _train_rasa(file, progress)
        _remove_old(settings, file)
    return file


def _ensure_pipeline(settings: Settings, progress: Progress) -> None:
    from bot.language import chat_components
    from bot.language.pipeline import LOOKUP_DIRECTORY, VERB_FORMS_FILE, build_pipeline, load_pipeline
    from bot.language.spelling import SPELLING_SOURCES

    directory = settings.model_directory / "nl_wijzer"
    sources = [
        Path(build_pipeline.__code__.co_filename),
        Path(chat_components.__file__),
        *SPELLING_SOURCES,
        VERB_FORMS_FILE,
        *sorted(LOOKUP_DIRECTORY.rglob("*.txt")),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = directory / "source-hash"
    if stamp.exists() and stamp.read_text() == digest:
        return
    progress("De Nederlandse spaCy-pipeline bouwen", 0, 1)
    temporary = directory.with_name("nl_wijzer.new")
    shutil.rmtree(temporary, ignore_errors=True)
    build_pipeline().to_disk(temporary)
    (temporary / "source-hash").write_text(digest)
    shutil.rmtree(directory, ignore_errors=True)
    temporary.replace(directory)
    load_pipeline.cache_clear()
    progress("De Nederlandse spaCy-pipeline bouwen", 1, 1)


def _train_risk(progress: Progress) -> None:
    from bot.risk.reader import RiskReader

    step = "Lezen van gevaar trainen"
    progress(step, 0, 1)
    RiskReader.train(lambda done, total: progress(step, done, total + max(total // 10, 1)))
    progress(step, 1, 1)


def _train_rasa(file: Path, progress: Progress) -> None:
    from bot.conversation.rasa_agent import quiet_rasa

    quiet_rasa()
    from rasa.model_training import train

    from bot.language.components import IntentReader

    step = "Begrijpen en gesprek trainen (Rasa)"
    progress(step, 0, 1)
    IntentReader.progress = lambda done, total: progress(step, done, total + max(total // 2, 1))
    result = train(
        domain=str(PROJECT_DIRECTORY / "config" / "domain"),
        config=str(PROJECT_DIRECTORY / "config" / "config.yml"),
        training_files=[str(PROJECT_DIRECTORY / "nlu_data")],
        output=str(file.parent),
        fixed_model_name=file.name.removesuffix(".tar.gz"),
        force_training=False,
    )
    if result.code != 0 or not file.exists():
        raise TrainingError("Rasa made no model: run `.venv/bin/wijzer train --verbose` to see why")
    progress(step, 1, 1)


def _remove_old(settings: Settings, kept: Path) -> None:
    for path in settings.model_directory.glob("wijzer-*.tar.gz"):
        if path != kept:
            path.unlink()
