"""Encryption of vendor secrets at rest, and the one secret of an installation that everything is derived from."""

import hmac
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE_NAME = "secret"
SECRET_BYTES = 32
NONCE_BYTES = 12
MIN_SECRET_LENGTH = 16
"""Characters; shorter ones could be found by trying."""

_FORMAT = b"\x01"


class SecretUnusable(ValueError):
    """The secret of the installation cannot be read or is too weak; the text says what to do."""


class WrongSecret(ValueError):
    """Something was encrypted with another secret than ours, or was tampered with; the text says what to do."""


def load_secret(data_dir: Path, override: str = "") -> bytes:
    """Return the secret of this installation: `override` (MODELGATE_SECRET) or the file in the data directory, made if absent.

    Raises:
        SecretUnusable: too short, not hex, or not readable.
    """
    if override:
        if len(override) < MIN_SECRET_LENGTH:
            raise SecretUnusable(f"MODELGATE_SECRET must have at least {MIN_SECRET_LENGTH} characters; make one with: openssl rand -hex 32")
        return _bytes_of(override)
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _create(path)
        text = path.read_text("ascii").strip()
        secret = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise SecretUnusable(f"cannot use the secret in {path}: {error}") from None
    if len(secret) < SECRET_BYTES:
        raise SecretUnusable(f"{path} does not hold {SECRET_BYTES} bytes in hex; restore it from a backup")
    return secret


def derive_key(secret: bytes, *, purpose: str) -> bytes:
    """Return 32 bytes for one purpose (`vendor secrets`, `file links`): knowing one does not give another away.

    HKDF-SHA256 without salt (RFC 5869), whose first block is 32 bytes.
    """
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, f"modelgate {purpose}".encode() + b"\x01", "sha256")


class Cipher:
    """AES-256-GCM with a key of its own; each ciphertext is bound to the id of its row, so rows cannot be swapped."""

    def __init__(self, secret: bytes) -> None:
        self._key = derive_key(secret, purpose="vendor secrets")
        self.state_key = derive_key(secret, purpose="state ids")

    @cached_property
    def _aead(self) -> "AESGCM":
        # Imported for the first vendor key: 5 MB in the book and in the desk.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._key)

    def encrypt(self, text: str, *, row_id: str) -> bytes:
        """Return format byte, nonce and ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return _FORMAT + nonce + self._aead.encrypt(nonce, text.encode(), row_id.encode())

    def decrypt(self, data: bytes, *, row_id: str) -> str:
        """Return the text.

        Raises:
            WrongSecret: encrypted with another secret, for another row, or altered.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # see `_aead`

        start = len(_FORMAT) + NONCE_BYTES
        try:
            if data[: len(_FORMAT)] != _FORMAT:
                raise InvalidTag
            return self._aead.decrypt(data[len(_FORMAT) : start], data[start:], row_id.encode()).decode()
        except (InvalidTag, ValueError):
            raise WrongSecret(
                "the vendor keys in the database were encrypted with another secret; "
                "bring back the data directory's file 'secret' or MODELGATE_SECRET of that time, or remove the upstreams and add them again"
            ) from None


def _bytes_of(text: str) -> bytes:
    # A secret that is hex is the same whether it comes by file or by environment.
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        return text.encode()
    return secret if len(secret) >= SECRET_BYTES else text.encode()


def _create(path: Path) -> None:
    # Written aside and linked: another process starting at the same moment sees no half file, and the first one wins.
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()
