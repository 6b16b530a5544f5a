"""The command `wijzer`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

# Before anything imports Rasa or TensorFlow.
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")

import click

from bot.settings import Settings, SettingsError, load_settings


@click.group()
@click.option("--verbose", is_flag=True, help="Toon ook wat er onderweg gebeurt.")
def main(verbose: bool) -> None:
    """Wijzer: chatbot over scheiding voor kinderen en ouders."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("httpx", "apscheduler", "alembic", "tensorflow", "telegram"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Known problems end the command with one line that says what to do."""
    from bot.app import PortBusy
    from bot.conversation.rasa_agent import ModelError
    from bot.directory.facts import FactsError
    from bot.language.pipeline import PipelineError
    from bot.storage.database import StorageError
    from bot.storage.encryption import DataKeyError
    from bot.training import TrainingError

    known = (PortBusy, ModelError, FactsError, PipelineError, StorageError, DataKeyError, TrainingError, SettingsError)
    try:
        yield
    except known as error:
        raise click.ClickException(str(error)) from None


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def _train(settings: Settings) -> Path:
    """Train what is missing, with a progress bar that names the step and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from bot.training import ensure_trained

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("nog"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
                if not bar.console.is_terminal:
                    bar.console.print(f"{step} ...")
            finished = done == total == 1
            known_total = bar.tasks[tasks[step]].total or 1
            bar.update(
                tasks[step], completed=known_total if finished else done, total=known_total if finished else total
            )

        return ensure_trained(settings, show)


@main.command()
def train() -> None:
    """Bouw de spaCy-pipeline en train, als er iets is veranderd."""
    with _clear_errors():
        click.echo(f"Klaar: {_train(_settings())}")


@main.command()
def run() -> None:
    """Start de webchat, de console voor medewerkers en (met een token) Telegram."""
    settings = _settings()
    with _clear_errors():
        from bot import app

        listening = app.listen(settings)
        settings = replace(settings, port=listening.getsockname()[1])
        storage = app.open_storage(settings)
        model = _train(settings)
        # A second Ctrl-C while stopping must not leave anything half-way.
        app.run(settings, model, storage, listening, click.echo)


@main.command()
def chat() -> None:
    """Praat met Wijzer in de terminal."""
    settings = _settings()
    with _clear_errors():
        from bot import app
        from bot.channels.terminal import TerminalChat
        from bot.conversation.rasa_agent import RasaAgent

        storage = app.open_storage(settings)
        agent = RasaAgent(_train(settings))
        engine = app.build_engine(settings, storage, agent)
        try:
            asyncio.run(TerminalChat(engine, lambda: input("> "), click.echo).run())
        except KeyboardInterrupt:
            click.echo("")
        finally:
            agent.close()
            storage.database.close()


@main.command()
def classify() -> None:
    """Lees regels van standaardinvoer; schrijf wat ervan begrepen is als JSON-regels."""
    settings = _settings()
    with _clear_errors():
        from bot.classification import classify as classify_lines
        from bot.classification import lines_of
        from bot.conversation.rasa_agent import RasaAgent
        from bot.risk.reader import RiskReader

        agent = RasaAgent(_train(settings))
        reader = RiskReader.of_settings()
        try:
            for result in classify_lines(lines_of(sys.stdin.buffer), agent.parse_now, reader.read):
                sys.stdout.write(result + "\n")
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            agent.close()


@main.command()
@click.argument("kind", type=click.Choice(["nlu", "risk", "places", "conversations", "functions", "data"]))
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--misses", "shown", default=40, show_default=True, help="Hoeveel missers er getoond worden.")
def evaluate(kind: str, file: Path | None, shown: int) -> None:
    """Meet het begrip op een bestand: de cijfers en de missers. `data` leest de trainingsvoorbeelden na."""
    settings = _settings()
    with _clear_errors():
        if kind == "data":
            from bot.evaluation import evaluate_data

            for line in evaluate_data(shown):
                click.echo(line)
            return
        if file is None:
            raise click.UsageError(f"noem het bestand: wijzer evaluate {kind} BESTAND")
        from bot.conversation.rasa_agent import RasaAgent
        from bot.evaluation import evaluate as evaluate_file
        from bot.risk.reader import RiskReader

        agent = RasaAgent(_train(settings))
        try:
            for line in evaluate_file(kind, file, agent.parse_now, RiskReader.of_settings().read, shown):
                click.echo(line)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        finally:
            agent.close()


@main.group()
def staff() -> None:
    """Medewerkers van de console."""


@staff.command("add")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Mag ook medewerkers beheren.")
def staff_add(name: str, admin: bool) -> None:
    """Maak een medewerker aan; print de eenmalige link om een wachtwoord te kiezen."""
    settings = _settings()
    with _clear_errors():
        from bot import app
        from bot.console.accounts import AccountError, create_staff, one_time_link

        storage = app.open_storage(settings)
        try:
            with storage.database.transaction() as connection:
                staff_id = create_staff(connection, name, "admin" if admin else "staff")
        except AccountError as error:
            raise click.ClickException(str(error)) from None
        click.echo(one_time_link(storage.database, settings, staff_id))


@staff.command("link")
@click.argument("name")
def staff_link(name: str) -> None:
    """Print een nieuwe eenmalige link voor een medewerker (wachtwoord vergeten)."""
    settings = _settings()
    with _clear_errors():
        from sqlalchemy import select

        from bot import app
        from bot.console.accounts import one_time_link
        from bot.storage.tables import staff as staff_table

        storage = app.open_storage(settings)
        with storage.database.reading() as connection:
            found = connection.execute(select(staff_table.c.id).where(staff_table.c.name == name)).scalar_one_or_none()
        if found is None:
            raise click.ClickException(f"er is geen medewerker met de naam {name!r}")
        click.echo(one_time_link(storage.database, settings, found))


@main.command()
@click.argument("place")
@click.option("--topic", help="Onderwerp uit de taxonomie, zoals mediation.")
@click.option("--audience", type=click.Choice(["child", "teen", "parent", "professional"]))
def directory(place: str, topic: str | None, audience: str | None) -> None:
    """Toon welke hulp er bekend is bij een plaats."""
    with _clear_errors():
        from bot.directory.organisations import find_national, find_near
        from bot.language.places import PlaceReader

        reading = PlaceReader().read(place)
        if reading.municipality is None:
            choices = f" Bedoel je: {', '.join(reading.candidates)}?" if reading.candidates else ""
            raise click.ClickException(f"de plaats {place!r} is niet bekend.{choices}")
        click.echo(f"{reading.municipality}\n")
        found = find_near(reading.municipality, topic, audience) or find_national(topic, audience)
        click.echo("\n\n".join(one.as_text() for one in found))


@main.command()
@click.argument("conversation")
def erase(conversation: str) -> None:
    """Wis een gesprek (met het kenmerk uit de console)."""
    settings = _settings()
    with _clear_errors():
        from sqlalchemy import delete

        from bot import app
        from bot.storage.tables import conversations

        storage = app.open_storage(settings)
        found = app.open_conversation(storage, conversation)
        if found is None:
            raise click.ClickException("dat gesprek bestaat niet (meer)")
        with storage.database.transaction() as connection:
            connection.execute(delete(conversations).where(conversations.c.id == found))
        click.echo("Het gesprek is gewist.")


@main.command()
@click.argument("conversation")
def export(conversation: str) -> None:
    """Print alles wat van een gesprek bewaard is, als JSON (inzageverzoek)."""
    settings = _settings()
    with _clear_errors():
        import json

        from bot import app
        from bot.conversation.export import export_conversation

        storage = app.open_storage(settings)
        found = app.open_conversation(storage, conversation)
        exported = export_conversation(storage.database, storage.cipher, found) if found else None
        if exported is None:
            raise click.ClickException("dat gesprek bestaat niet (meer)")
        click.echo(json.dumps(exported, ensure_ascii=False, indent=2))


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--all", "again", is_flag=True, help="Ook wat al eerder is weggeschreven.")
def corrections(file: Path | None, again: bool) -> None:
    """Schrijf berichten die medewerkers beoordeelden naar een bestand om van te leren.

    Alleen met toestemming en zonder persoonlijke gegevens. Zonder BESTAND is dat nlu_data/risk/corrected.jsonl, en leert
    de volgende `wijzer train` ervan.
    """
    settings = _settings()
    with _clear_errors():
        from datetime import datetime, timezone

        from bot import app
        from bot.handoff.corrected_examples import DEFAULT_FILE, export_corrections

        storage = app.open_storage(settings)
        file = file or DEFAULT_FILE
        try:
            done = export_corrections(storage.database, storage.cipher, file, datetime.now(timezone.utc), again)
        except (ValueError, OSError) as error:
            raise click.ClickException(f"er is niets weggeschreven: {error}") from None
        finally:
            storage.database.close()
        click.echo(f"{file}: {done.examples} voorbeelden, waarvan {done.added} nieuw.")
        if done.kept_back:
            click.echo(f"{done.kept_back} beoordeelde berichten gaan niet mee: er is geen toestemming voor.")


@main.command()
def key() -> None:
    """Maak een nieuwe sleutel (voor DATA_KEY), bijvoorbeeld voor meerdere machines."""
    click.echo(base64.urlsafe_b64encode(os.urandom(32)).decode())


@main.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def content(files: tuple[Path, ...]) -> None:
    """Controleer de antwoorden: leesbaarheid, en geen cijfer of adres zonder feit."""
    with _clear_errors():
        from bot.conversation.content import check, content_files

        paths = list(files) or content_files()
        problems = check(paths)
        click.echo("\n".join(problems) or f"{len(paths)} bestanden: geen problemen")
        if problems:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
