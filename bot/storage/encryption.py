"""Encryption at rest: what people typed, their addresses and the dialogue state are never stored readable.

AES-256-GCM from `cryptography`, one random nonce a value; the row's purpose is authenticated with it, so that a value
cannot be moved to another column. Addresses are found again through a keyed hash (a blind index).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class DataKeyError(ValueError):
    """The key is missing or does not fit the data; the message says what to do."""


class Cipher:
    """Encrypts texts and JSON values with one key.

    Args:
        key: 32 random bytes.

    Raises:
        DataKeyError: the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise DataKeyError(f"the data key must hold {KEY_BYTES} bytes, this one holds {len(key)}")
        self._aes = AESGCM(key)
        self._index_key = hashlib.sha256(b"wijzer blind index" + key).digest()

    def encrypt(self, text: str, purpose: str) -> bytes:
        """Nonce and ciphertext of a text; `purpose` has to be the same when it is read."""
        nonce = os.urandom(NONCE_BYTES)
        # Lone surrogates come in by JSON ("\ud83d"); they are kept as typed.
        return nonce + self._aes.encrypt(nonce, text.encode("utf-8", "surrogatepass"), purpose.encode())

    def decrypt(self, value: bytes, purpose: str) -> str:
        """The text again; raises DataKeyError when the key or the purpose is another one or the value is damaged."""
        value = bytes(value)
        try:
            plain = self._aes.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise DataKeyError(
                f"a stored {purpose} cannot be read: the data key is not the one it was written with"
            ) from None
        return plain.decode("utf-8", "surrogatepass")

    def encrypt_json(self, value: Any, purpose: str) -> bytes:
        """A JSON value, encrypted."""
        return self.encrypt(json.dumps(value, separators=(",", ":")), purpose)

    def decrypt_json(self, value: bytes, purpose: str) -> Any:
        """The JSON value again."""
        return json.loads(self.decrypt(value, purpose))

    def index(self, text: str) -> str:
        """A keyed hash by which an address is found again without storing it readable (hexadecimal, 64 characters)."""
        return hmac.new(self._index_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def load_key(given: str | None, file: Path, create: bool = True) -> bytes:
    """The data key: the given base64 text, or that in the file, which is created at first start (mode 600).

    Raises:
        DataKeyError: neither is usable.
    """
    if given:
        return _decode(given, "DATA_KEY")
    if file.exists():
        return _decode(file.read_text(encoding="ascii", errors="replace").strip(), str(file))
    if not create:
        raise DataKeyError(f"no data key: set DATA_KEY, or put the key back at {file}")
    file.parent.mkdir(parents=True, exist_ok=True)
    key = os.urandom(KEY_BYTES)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(base64.urlsafe_b64encode(key).decode() + "\n")
    return key


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise DataKeyError(
            f"{where} is not a data key: it has to be {KEY_BYTES} bytes in base64 (make one: wijzer key)"
        )
    return key
