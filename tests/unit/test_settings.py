"""Settings from the environment and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import SettingsError, load_settings

NOWHERE = Path("/nonexistent/settings.toml")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[wijzer]\nport = 9000\nretention_days = 5\n")
    settings = load_settings({"PORT": "9001"}, file)
    assert (settings.port, settings.retention_days) == (9001, 5)


def test_an_api_url_may_end_in_a_slash() -> None:
    assert (
        load_settings({"TELEGRAM_API_URL": "http://127.0.0.1:8081/"}, NOWHERE).telegram_api_url
        == "http://127.0.0.1:8081"
    )


@pytest.mark.parametrize(
    ("environment", "named"),
    [({"PORT": "abc"}, "PORT"), ({"PORT": "70000"}, "PORT"), ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL")],
)
def test_a_wrong_value_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(environment, NOWHERE)


def test_a_misspelled_setting_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[wijzer]\nretentiondays = 5\n")
    with pytest.raises(SettingsError, match="retentiondays"):
        load_settings({}, file)


def test_empty_variables_count_as_unset() -> None:
    assert load_settings({"TELEGRAM_BOT_TOKEN": " "}, NOWHERE).telegram_token is None
