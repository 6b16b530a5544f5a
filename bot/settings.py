"""One typed settings object, read from `config/settings.toml` and the environment (the environment wins)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli

PROJECT_DIRECTORY = Path(__file__).resolve().parents[1]
SETTINGS_FILE = PROJECT_DIRECTORY / "config" / "settings.toml"


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that an installation may choose.

    Attributes:
        host, port: where the web chat, the console and the API listen.
        database_url: `sqlite:///file` or `postgresql://user:password@host/database`.
        telegram_token: the bot's token; None leaves Telegram off.
        telegram_api_url: base of the Bot API server, to which `/bot<token>/<method>` is added.
        telegram_webhook_url: public https address of this installation; None means polling.
        data_key: base64 key for encryption at rest; None means `data_key_file`.
        data_key_file: where the key is read, and written at first start.
        spacy_model: path or package name of the Dutch spaCy pipeline.
        model_directory: where trained models lie.
        rasa_timeout_seconds: how long one message may take in Rasa before the engine answers itself.
        lease_seconds: how long a conversation stays reserved for one message.
        staff_present_seconds: how long after their last sign of life a member of staff counts as present.
        opening_hours: per weekday (0 is Monday) the hours at which staff look, local time, or None.
        time_zone: in which `opening_hours` are meant.
        retention_days: after how many days without a message a conversation is erased; 0 never.
        public_url: how the installation is reached from outside, for links that are printed.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str = "sqlite:///data/wijzer.db"
    telegram_token: str | None = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_webhook_url: str | None = None
    data_key: str | None = None
    data_key_file: Path = PROJECT_DIRECTORY / "data" / "data.key"
    spacy_model: str = str(PROJECT_DIRECTORY / "models" / "nl_wijzer")
    model_directory: Path = PROJECT_DIRECTORY / "models"
    rasa_timeout_seconds: float = 5.0
    lease_seconds: float = 30.0
    staff_present_seconds: float = 90.0
    opening_hours: Mapping[int, tuple[str, str] | None] = field(default_factory=dict)
    time_zone: str = "Europe/Amsterdam"
    retention_days: int = 90
    public_url: str | None = None

    @property
    def base_url(self) -> str:
        """The address that is printed for people: the public one, or host and port."""
        host = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::") else self.host
        return self.public_url or f"http://{host}:{self.port}"


def load_settings(environment: Mapping[str, str] | None = None, file: Path = SETTINGS_FILE) -> Settings:
    """Read the settings.

    Args:
        environment: variables; those of the process when not given.
        file: TOML file; may be missing.

    Raises:
        SettingsError: a value is of the wrong kind or the file is damaged.
    """
    environment = os.environ if environment is None else environment
    values = _from_file(file)
    values |= _from_environment(environment)
    return Settings(**values)


def _from_file(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = tomli.loads(file.read_text(encoding="utf-8"))
    except tomli.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from error
    values: dict[str, Any] = dict(content.get("wijzer", {}))
    hours = content.get("opening_hours", {})
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    unknown = set(hours) - set(days)
    if unknown:
        raise SettingsError(f"{file}: unknown day in [opening_hours]: {', '.join(sorted(unknown))}")
    values["opening_hours"] = {days.index(day): (span[0], span[1]) if span else None for day, span in hours.items()}
    allowed = set(Settings.__dataclass_fields__)
    if set(values) - allowed:
        raise SettingsError(f"{file}: unknown setting {', '.join(sorted(set(values) - allowed))}")
    for name in ("data_key_file", "model_directory"):
        if name in values:
            values[name] = PROJECT_DIRECTORY / values[name]
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {
        "HOST": "host",
        "DATABASE_URL": "database_url",
        "TELEGRAM_BOT_TOKEN": "telegram_token",
        "TELEGRAM_API_URL": "telegram_api_url",
        "TELEGRAM_WEBHOOK_URL": "telegram_webhook_url",
        "DATA_KEY": "data_key",
        "SPACY_MODEL": "spacy_model",
        "PUBLIC_URL": "public_url",
    }
    values: dict[str, Any] = {
        name: environment[variable].strip() for variable, name in names.items() if environment.get(variable, "").strip()
    }
    if "telegram_api_url" in values:
        values["telegram_api_url"] = values["telegram_api_url"].rstrip("/")
    if environment.get("DATA_KEY_FILE", "").strip():
        values["data_key_file"] = Path(environment["DATA_KEY_FILE"].strip())
    if environment.get("PORT", "").strip():
        try:
            values["port"] = int(environment["PORT"])
        except ValueError:
            raise SettingsError(f"PORT must be a number, not {environment['PORT']!r}") from None
        if not 0 <= values["port"] <= 65535:
            raise SettingsError(f"PORT must lie between 0 and 65535, not {values['port']}")
    url = values.get("database_url", "sqlite:")
    if not url.startswith(("sqlite:", "postgresql:", "postgres:")):
        raise SettingsError("DATABASE_URL must start with sqlite:/// or postgresql://")
    return values
