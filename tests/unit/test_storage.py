"""Key, encryption, database and migrations."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

from bot.storage.database import Database, StorageError
from bot.storage.encryption import Cipher, DataKeyError, load_key
from bot.storage.tables import conversations, metadata

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")


@pytest.fixture
def postgres_url() -> str:
    """A new, empty PostgreSQL database."""
    try:
        connection = psycopg2.connect(POSTGRES)
    except psycopg2.OperationalError as error:
        pytest.fail(f"these tests need PostgreSQL at TEST_POSTGRES_URL ({POSTGRES}): {error}")
    connection.autocommit = True
    name = f"wijzer_{os.urandom(6).hex()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield f"{POSTGRES.rsplit('/', 1)[0]}/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


def test_what_is_encrypted_comes_back_and_is_not_readable() -> None:
    cipher = Cipher(os.urandom(32))
    sealed = cipher.encrypt("papa 👊 \ud83d", "message")
    assert b"papa" not in sealed
    assert cipher.decrypt(sealed, "message") == "papa 👊 \ud83d"


def test_a_value_cannot_be_read_with_another_key_or_for_another_purpose() -> None:
    cipher = Cipher(os.urandom(32))
    sealed = cipher.encrypt("geheim", "message")
    with pytest.raises(DataKeyError):
        Cipher(os.urandom(32)).decrypt(sealed, "message")
    with pytest.raises(DataKeyError):
        cipher.decrypt(sealed, "address")


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "data.key"
    key = load_key(None, file)
    assert load_key(None, file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("given", ["kort", "é", "x" * 44])
def test_a_bad_key_gets_a_clear_message(given: str, tmp_path: Path) -> None:
    with pytest.raises(DataKeyError, match="DATA_KEY"):
        load_key(given, tmp_path / "none")


def test_a_missing_key_beside_existing_data_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(DataKeyError, match="put the key back"):
        load_key(None, tmp_path / "data.key", create=False)
    assert not (tmp_path / "data.key").exists()


def test_another_key_on_the_same_database_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    first = Cipher(os.urandom(32))
    database.prepare(first)
    with pytest.raises(StorageError, match="data key does not fit"):
        database.prepare(Cipher(os.urandom(32)))
    database.prepare(first)


def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    file.write_bytes(b"this is not a database " * 200)
    with pytest.raises(StorageError, match="damaged"):
        Database(f"sqlite:///{file}").prepare(Cipher(os.urandom(32)))
    assert file.read_bytes().startswith(b"this is not")


def test_a_database_out_of_reach_is_named() -> None:
    with pytest.raises(StorageError, match="cannot be reached"):
        Database("postgresql://nobody@127.0.0.1:1/none").prepare(Cipher(os.urandom(32)))


def test_the_migrations_make_exactly_the_tables_on_sqlite(tmp_path: Path) -> None:
    _assert_same_tables(Database(f"sqlite:///{tmp_path / 'a.db'}"))


def test_the_migrations_make_exactly_the_tables_on_postgresql(postgres_url: str) -> None:
    _assert_same_tables(Database(postgres_url))


def _assert_same_tables(database: Database) -> None:
    database.prepare(Cipher(os.urandom(32)))
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone"), database.transaction() as connection:
        connection.execute(
            insert(conversations).values(
                id="x", channel="web", created_at=datetime(2026, 1, 1), last_message_at=datetime(2026, 1, 1)
            )
        )


def test_a_transaction_that_raises_writes_nothing(database: Database) -> None:
    from datetime import timezone

    now = datetime.now(timezone.utc)
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute(insert(conversations).values(id="x", channel="web", created_at=now, last_message_at=now))
        raise RuntimeError
    with database.reading() as connection:
        assert connection.execute(select(conversations)).all() == []
