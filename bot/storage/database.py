"""The connection to SQLite or PostgreSQL: short transactions, the same code for both.

On SQLite a writing transaction starts with `BEGIN IMMEDIATE`, so that a second writer waits instead of failing half-way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, insert, inspect, select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from bot.storage.encryption import Cipher, DataKeyError
from bot.storage.tables import key_checks

MIGRATIONS_DIRECTORY = Path(__file__).resolve().parent / "migrations"
BUSY_TIMEOUT_MILLISECONDS = 10_000


class StorageError(RuntimeError):
    """The database cannot be used; the message says why and what to do."""


class Database:
    """One database, opened lazily.

    Args:
        url: `sqlite:///file` or `postgresql://...`; the driver is picked here.

    Raises:
        StorageError: the URL is not one of these.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        # Parameters hold what people typed, sealed, and names of staff: never in an error message.
        options: dict[str, Any] = {"future": True, "hide_parameters": True}
        if self.is_sqlite:
            if not parsed.database or parsed.database == ":memory:":
                raise StorageError("DATABASE_URL must name a file: sqlite:///data/wijzer.db")
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            options |= {"poolclass": QueuePool, "connect_args": {"check_same_thread": False}}
        else:
            parsed = parsed.set(drivername="postgresql+psycopg2")
            options |= {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
        self.url = parsed
        self.engine: Engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite_connection)
            event.listen(self.engine, "begin", _begin_on_sqlite)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A writing transaction: committed at the end, rolled back when the block raises."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and never waits for a writer."""
        with self.engine.connect().execution_options(read_only=True) as connection:
            yield connection

    def prepare(self, cipher: Cipher) -> None:
        """Bring the tables up to date and check that the key fits the data.

        Raises:
            StorageError: the database is out of reach or damaged, or the key is another one.
        """
        with self._clear_errors():
            self._migrate()
            self._check_key(cipher)

    def has_tables(self) -> bool:
        """Whether the tables were made; raises StorageError when the database cannot be used."""
        with self._clear_errors():
            return inspect(self.engine).has_table("key_checks")

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except DataKeyError as error:
            raise StorageError(
                f"the data key does not fit the database {self._shown_url}: put the key back that it was made with "
                "(DATA_KEY or DATA_KEY_FILE); nothing was changed"
            ) from error
        except OperationalError as error:
            raise StorageError(
                f"the database {self._shown_url} cannot be reached or written: {_first_line(error)}. "
                "Check DATABASE_URL and that the server runs"
            ) from error
        except DatabaseError as error:
            raise StorageError(
                f"the database {self._shown_url} is damaged: {_first_line(error)}. "
                "Nothing was changed: put a backup back, or move the file away to start with an empty one"
            ) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @property
    def _shown_url(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS_DIRECTORY))
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                # Two replicas that start together: one migrates, the other waits.
                connection.exec_driver_sql("SELECT pg_advisory_lock(727274)")
            try:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
            finally:
                connection.rollback()
                if not self.is_sqlite:
                    connection.exec_driver_sql("SELECT pg_advisory_unlock(727274)")
                    connection.commit()

    def _check_key(self, cipher: Cipher) -> None:
        with self.transaction() as connection:
            value = connection.execute(select(key_checks.c.value)).scalar_one_or_none()
            if value is None:
                connection.execute(insert(key_checks).values(id=1, value=cipher.encrypt("wijzer", "key check")))
            else:
                cipher.decrypt(value, "key check")


def _prepare_sqlite_connection(connection: sqlite3.Connection, record: object) -> None:
    # SQLAlchemy's own BEGIN is replaced by `_begin_on_sqlite`.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_on_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _first_line(error: DatabaseError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else str(error).splitlines()[0]
