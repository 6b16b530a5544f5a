"""Accounts, one-time links, passwords and attempts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.console.accounts import (
    AccountError,
    account,
    create_staff,
    deactivate,
    ensure_first_administrator,
    one_time_link,
    reactivate,
    set_role,
    token_hash,
)
from bot.console.passwords import Attempts, PasswordError, Passwords
from bot.console.sessions import find_session, open_session, staff_with_password, use_link
from bot.console.visits import page_behind, row_id, safe_address
from bot.settings import Settings
from bot.storage.tables import sign_ins, staff
from tests.console_world import PASSWORD, ConsoleWorld

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def world(tmp_path: Path) -> ConsoleWorld:
    return ConsoleWorld.at(tmp_path)


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


def test_the_first_administrator_gets_a_fresh_link_until_there_is_a_password(world: ConsoleWorld) -> None:
    first = ensure_first_administrator(world.database, world.settings)
    second = ensure_first_administrator(world.database, world.settings)
    assert first and second and first != second
    assert first.startswith("http://localhost:8080/staff/sign-in/")
    assert [(row.name, row.role) for row in world.rows(select(staff))] == [("beheer", "admin")]
    with world.database.transaction() as connection:
        connection.execute(update(staff).values(password_hash="set"))
    assert ensure_first_administrator(world.database, world.settings) is None


def test_a_closed_administrator_does_not_block_a_new_first_one(world: ConsoleWorld) -> None:
    ensure_first_administrator(world.database, world.settings)
    with world.database.transaction() as connection:
        connection.execute(update(staff).values(active=False))
    assert ensure_first_administrator(world.database, world.settings)
    assert [row.name for row in world.rows(select(staff).where(staff.c.active))] == ["beheer 2"]


def test_a_link_carries_the_public_address(world: ConsoleWorld) -> None:
    link = one_time_link(world.database, Settings(public_url="https://wijzer.example"), world.staff("Sanne"))
    assert link.startswith("https://wijzer.example/staff/sign-in/")


def test_a_link_is_stored_as_a_hash_only(world: ConsoleWorld) -> None:
    token = token_of(one_time_link(world.database, world.settings, world.staff("Sanne")))
    assert [row.token_hash for row in world.rows(select(sign_ins))] == [token_hash(token)]


def test_a_link_works_once_and_ends_other_links_sessions_and_the_password(world: ConsoleWorld) -> None:
    sanne = world.staff("Sanne")
    token, other = (token_of(one_time_link(world.database, world.settings, sanne)) for _ in range(2))
    now = datetime.now(timezone.utc)
    with world.database.transaction() as connection:
        old_session = open_session(connection, sanne, now)
    with world.database.transaction() as connection:
        session = use_link(connection, token, now)
        assert session is not None
        assert use_link(connection, token, now) is None
        assert use_link(connection, other, now) is None
    assert find_session(world.database, token_hash(old_session), now) is None
    found = find_session(world.database, token_hash(session), now)
    assert found is not None and not found.has_password


def test_a_link_ends_after_two_days(world: ConsoleWorld) -> None:
    token = token_of(one_time_link(world.database, world.settings, world.staff("Sanne")))
    with world.database.transaction() as connection:
        assert use_link(connection, token, datetime.now(timezone.utc) + timedelta(hours=49)) is None


def test_a_session_ends_after_twelve_hours(world: ConsoleWorld) -> None:
    sanne = world.staff("Sanne")
    with world.database.transaction() as connection:
        token = token_hash(open_session(connection, sanne, NOW))
    assert find_session(world.database, token, NOW + timedelta(hours=11, minutes=59)) is not None
    assert find_session(world.database, token, NOW + timedelta(hours=12)) is None


def test_a_visit_is_a_sign_of_life(world: ConsoleWorld) -> None:
    sanne = world.staff("Sanne")
    with world.database.transaction() as connection:
        token = token_hash(open_session(connection, sanne, NOW))
    find_session(world.database, token, NOW + timedelta(minutes=5))
    with world.database.reading() as connection:
        assert account(connection, sanne).last_seen_at == NOW + timedelta(minutes=5)


def test_closing_an_account_signs_out_and_voids_links(world: ConsoleWorld) -> None:
    world.staff("Ad", "admin")
    sanne = world.staff("Sanne")
    token = token_of(one_time_link(world.database, world.settings, sanne))
    now = datetime.now(timezone.utc)
    with world.database.transaction() as connection:
        session = token_hash(open_session(connection, sanne, now))
        deactivate(connection, sanne)
        assert use_link(connection, token, now) is None
    assert find_session(world.database, session, now) is None
    assert staff_with_password(world.database, Passwords(), "Sanne", PASSWORD) is None
    with pytest.raises(AccountError):
        one_time_link(world.database, world.settings, sanne)
    with world.database.transaction() as connection:
        reactivate(connection, sanne)
    assert one_time_link(world.database, world.settings, sanne)


def test_the_last_administrator_stays(world: ConsoleWorld) -> None:
    ad = world.staff("Ad", "admin")
    with world.database.transaction() as connection:
        create_staff(connection, "Zonder wachtwoord", "admin")
    with pytest.raises(AccountError, match="laatste beheerder"), world.database.transaction() as connection:
        deactivate(connection, ad)
    with pytest.raises(AccountError, match="laatste beheerder"), world.database.transaction() as connection:
        set_role(connection, ad, "staff")


@pytest.mark.parametrize("name", ["", "   ", "sanne", "SANNE", "x" * 81, "a\x00b"])
def test_a_name_is_given_unique_and_short(world: ConsoleWorld, name: str) -> None:
    world.staff("Sanne")
    with pytest.raises(AccountError), world.database.transaction() as connection:
        create_staff(connection, name, "staff")


def test_an_unknown_role_is_refused(world: ConsoleWorld) -> None:
    with pytest.raises(AccountError), world.database.transaction() as connection:
        create_staff(connection, "Sanne", "root")


@pytest.mark.parametrize("password", ["kort", "x" * 201, "aaaaaaaaaaaaaaaa", "Sanne van Dijk"])
def test_a_poor_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordError):
        Passwords().hash(password, "sanne van dijk")


def test_a_password_fits_only_its_own_hash() -> None:
    passwords = Passwords()
    hashed = passwords.hash(PASSWORD, "Sanne")
    assert passwords.fits(hashed, PASSWORD)
    assert not passwords.fits(hashed, PASSWORD + "!")
    assert not passwords.fits(None, "a password that nobody has")


def test_after_five_attempts_a_name_has_to_wait() -> None:
    attempts = Attempts()
    assert all(attempts.begin("Sanne", NOW) for _ in range(5))
    assert not attempts.begin(" SANNE ", NOW)
    assert attempts.begin("Maarten", NOW)
    assert attempts.begin("Sanne", NOW + timedelta(minutes=5, seconds=1))


def test_attempts_are_forgotten_after_a_success() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.begin("Sanne", NOW)
    attempts.succeeded("Sanne")
    assert attempts.begin("Sanne", NOW)


def test_attempts_remember_a_bounded_number_of_names() -> None:
    attempts = Attempts(kept_names=3)
    for number in range(50):
        attempts.begin(f"naam {number}", NOW)
    assert len(attempts._failures) == 3


@pytest.mark.parametrize(
    "address",
    ["https://elders.example", "//elders.example", "/staff//elders", "/staff/\\elders", "/", "", "/staff/a\nb"],
)
def test_signing_in_leads_nowhere_else(address: str) -> None:
    assert safe_address(address) == "/staff/"


def test_signing_in_leads_to_the_case_that_was_asked_for() -> None:
    assert safe_address("/staff/cases/5") == "/staff/cases/5"


def test_a_form_belongs_to_a_page() -> None:
    assert page_behind("/staff/cases/12/reply") == "/staff/cases/12"
    assert page_behind("/staff/staff-accounts/3/role") == "/staff/staff-accounts"
    assert page_behind("/staff/available") == "/staff/"


@pytest.mark.parametrize("value", ["", "-1", "1.5", "9" * 30, "²", "٣", str(2**31)])
def test_what_is_no_row_finds_no_row(value: str) -> None:
    assert row_id(value) == 0
