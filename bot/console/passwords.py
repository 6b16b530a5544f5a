"""Passwords of staff: Argon2 hashes, what a good password is, and how often one may guess."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200
# One hash takes 64 MiB: two at a time keep a burst of guesses from filling the memory.
HASHES_AT_ONCE = 2


class PasswordError(ValueError):
    """The password cannot be used; the message (Dutch) is for the person who chose it."""


class Passwords:
    """Hashes and checks passwords with Argon2id."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._slots = threading.Semaphore(HASHES_AT_ONCE)
        # An unknown name costs the same time as a known one, so that the time does not tell them apart.
        self._nobody = self._hasher.hash("a password that nobody has")

    def hash(self, password: str, name: str) -> str:
        """The hash of a new password.

        Raises:
            PasswordError: it is too short or too long, or it is the person's name.
        """
        if len(password) < MINIMUM_LENGTH:
            raise PasswordError(f"Kies een wachtwoord van minstens {MINIMUM_LENGTH} tekens. Een zinnetje werkt goed.")
        if len(password) > MAXIMUM_LENGTH:
            raise PasswordError(f"Kies een wachtwoord van hoogstens {MAXIMUM_LENGTH} tekens.")
        if password.casefold().strip() == name.casefold() or len(set(password)) < 4:
            raise PasswordError("Dit wachtwoord is te makkelijk te raden. Kies een ander wachtwoord.")
        with self._slots:
            return self._hasher.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; False, after the same time, when there is no hash."""
        with self._slots:
            try:
                self._hasher.verify(password_hash or self._nobody, password[: MAXIMUM_LENGTH + 1])
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None


class Attempts:
    """Counts failed sign-ins a name, known or unknown alike.

    Attention: kept in memory, so each replica counts for itself.

    Args:
        limit: failures that are allowed within the window.
        window: how long a failure counts.
        kept_names: how many names are remembered at most.
    """

    def __init__(self, limit: int = 5, window: timedelta = timedelta(minutes=5), kept_names: int = 10_000) -> None:
        self._limit = limit
        self._window = window
        self._kept_names = kept_names
        self._failures: OrderedDict[str, list[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, now: datetime) -> bool:
        """Count an attempt; False when there were too many and this one may not go on."""
        with self._lock:
            recent = [moment for moment in self._failures.pop(_key(name), []) if moment > now - self._window]
            allowed = len(recent) < self._limit
            if allowed:
                recent.append(now)
            self._failures[_key(name)] = recent
            while len(self._failures) > self._kept_names:
                self._failures.popitem(last=False)
        return allowed

    def succeeded(self, name: str) -> None:
        """Forget the attempts of a name that signed in."""
        with self._lock:
            self._failures.pop(_key(name), None)


def _key(name: str) -> str:
    return name.strip().casefold()[:80]
