"""Passwords: rules, hashes, and the bound on how many are hashed."""

import asyncio
import math
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from modelgate.core.errors import InvalidRequest, Overloaded
from modelgate.identity.passwords import MAX_LENGTH, MAX_WAITING, MIN_LENGTH, Passwords, check_password

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield made
    made.close()


@pytest.mark.parametrize("password", ["a" * MIN_LENGTH, "short1234", "", "abcd" * 100, "aaabbbccc!"[:9]])
def test_what_may_not_be_chosen(password: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_password(password, param="password.new")
    assert refused.value.param == "password.new"


@pytest.mark.parametrize("password", ["abcdefghij", "correct horse battery", "пароль-пароль", "ab c" * (MAX_LENGTH // 4)])
def test_what_may_be_chosen(password: str) -> None:
    check_password(password)


async def test_a_password_matches_its_own_hash(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse battery")
    assert "correct" not in stored
    assert stored != await passwords.hash("correct horse battery")
    assert await passwords.matches("correct horse battery", stored)
    assert not await passwords.matches("Correct horse battery", stored)
    assert not await passwords.matches("", stored)


async def test_the_same_letters_from_another_keyboard(passwords: Passwords) -> None:
    stored = await passwords.hash("cafe\N{COMBINING ACUTE ACCENT} creme")
    assert await passwords.matches("caf\N{LATIN SMALL LETTER E WITH ACUTE} creme", stored)


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"])
async def test_a_hash_that_is_none_matches_nothing(passwords: Passwords, stored: str) -> None:
    assert not await passwords.matches("anything at all", stored)


async def test_nobodys_password_takes_as_long_as_somebodys() -> None:
    """An email that is not known here must not be told by the time that the refusal takes."""
    passwords = Passwords()
    stored = await passwords.hash("correct horse battery")
    took = {"somebody": math.inf, "nobody": math.inf}
    for _ in range(10):  # in turn, and the least: a machine that does other work spoils single ones
        for name, of in (("somebody", stored), ("nobody", "")):
            started = time.perf_counter()
            assert not await passwords.matches("wrong horse battery", of)
            took[name] = min(took[name], time.perf_counter() - started)
    passwords.close()
    assert 0.5 < took["nobody"] / took["somebody"] < 2


def test_the_settings_are_owasps() -> None:
    assert PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).check_needs_rehash(asyncio.run(_default_hash())) is False


async def _default_hash() -> str:
    passwords = Passwords()
    try:
        return await passwords.hash("correct horse battery")
    finally:
        passwords.close()


async def test_more_than_may_wait_are_sent_away(passwords: Passwords) -> None:
    waiting = [asyncio.ensure_future(passwords.hash("correct horse battery")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.hash("one too many")
    await asyncio.gather(*waiting)
    await passwords.hash("and now there is room again")
