"""Passwords: what they must be, and hashing them off the event loop, a few at a time.

argon2id with the settings that OWASP names first (19 MiB, two passes, one lane; Password Storage Cheat Sheet, read 2026-11).
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from modelgate.core.errors import InvalidRequest, Overloaded

MIN_LENGTH = 10
MAX_LENGTH = 256
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
MAX_AT_ONCE = 2
MAX_WAITING = 32
"""More who wait to be hashed are sent away: each takes a twentieth of a second of a processor."""
RETRY_AFTER_S = 2.0

T = TypeVar("T")


def check_password(password: str, *, param: str = "password") -> None:
    """Check that a password may be chosen.

    Raises:
        InvalidRequest: it is too short, too long, or one character over and over.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidRequest(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.", param=param, code="invalid_value")
    if len(set(password)) < 4:
        raise InvalidRequest("A password has at least four different characters.", param=param, code="invalid_value")


def default_hasher() -> PasswordHasher:
    """Return what hashes passwords, for whoever has no event loop to hold up."""
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


class Passwords:
    """Makes and checks hashes. Tests hand in a cheaper hasher."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or default_hasher()
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="passwords")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            Overloaded: too many wait.
        """
        return await self._work(lambda: self._hasher.hash(_normalised(password)))

    async def matches(self, password: str, stored: str) -> bool:
        """Tell whether a hash is this password's. An empty one is nobody's, and takes as long to tell as any.

        Raises:
            Overloaded: too many wait.
        """
        return await self._work(lambda: self._matches(_normalised(password), stored))

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown()

    def _matches(self, password: str, stored: str) -> bool:
        if not stored or len(password) > MAX_LENGTH:
            self._hasher.hash(password[:MAX_LENGTH])
            return False
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, function: Callable[[], T]) -> T:
        if self._under_way >= MAX_WAITING:
            raise Overloaded(retry_after_s=RETRY_AFTER_S)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._under_way -= 1


def _normalised(password: str) -> str:
    # The same keys on another keyboard may send another spelling of the same letters.
    return unicodedata.normalize("NFKC", password)
