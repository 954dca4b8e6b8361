"""How often a password may be tried."""

import pytest
from tests.twins.clock import Clock

from modelgate.core.errors import RateExceeded
from modelgate.identity.attempts import ADDRESS, EMAIL, EMAIL_FROM_ADDRESS, SIGN_UPS, Attempts, network_of

ADA = "ada@example.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def test_one_person_from_one_address(attempts: Attempts, clock: Clock) -> None:
    for _ in range(EMAIL_FROM_ADDRESS.tries):
        attempts.take_sign_in(ADA, "192.0.2.1")
    with pytest.raises(RateExceeded, match="Try again in 2 minutes") as refused:
        attempts.take_sign_in(ADA, "192.0.2.1")
    step_s = EMAIL_FROM_ADDRESS.window_s / EMAIL_FROM_ADDRESS.tries
    assert refused.value.retry_after_s == pytest.approx(step_s)

    attempts.take_sign_in(ADA, "192.0.2.2")  # who knows the email locks nobody out from afar
    attempts.take_sign_in("grace@example.com", "192.0.2.1")

    clock.now += step_s
    attempts.take_sign_in(ADA, "192.0.2.1")
    with pytest.raises(RateExceeded):
        attempts.take_sign_in(ADA, "192.0.2.1")


def test_one_person_from_many_addresses(attempts: Attempts) -> None:
    for number in range(EMAIL.tries):
        attempts.take_sign_in(ADA, f"192.0.2.{number}")
    with pytest.raises(RateExceeded):
        attempts.take_sign_in(ADA, "198.51.100.1")


def test_many_people_from_one_address(attempts: Attempts) -> None:
    for number in range(ADDRESS.tries):
        attempts.take_sign_in(f"{number}@example.com", "192.0.2.1")
    with pytest.raises(RateExceeded):
        attempts.take_sign_in(ADA, "192.0.2.1")


def test_many_people_from_one_network_of_ipv6(attempts: Attempts) -> None:
    for number in range(ADDRESS.tries):
        attempts.take_sign_in(f"{number}@example.com", f"2001:db8:1:1::{number:x}")
    with pytest.raises(RateExceeded):
        attempts.take_sign_in(ADA, "2001:db8:1:1:ffff::1")
    attempts.take_sign_in(ADA, "2001:db8:1:2::1")


def test_what_is_right_is_not_counted(attempts: Attempts) -> None:
    for _ in range(3 * ADDRESS.tries):
        attempts.take_sign_in(ADA, "192.0.2.1")
        attempts.give_back_sign_in(ADA, "192.0.2.1")


def test_being_right_forgives_nothing_else(attempts: Attempts) -> None:
    """Symptom it prevents: an attacker with an account of his own signs in between tries, and may try for ever."""
    tried = 0
    with pytest.raises(RateExceeded):
        for _ in range(ADDRESS.tries + 1):
            attempts.take_sign_in("mallory@example.com", "192.0.2.1")
            attempts.give_back_sign_in("mallory@example.com", "192.0.2.1")
            attempts.take_sign_in(f"{tried}@example.com", "192.0.2.1")
            tried += 1
    assert tried == ADDRESS.tries - 1 or tried == ADDRESS.tries


def test_a_refused_try_costs_nothing(attempts: Attempts, clock: Clock) -> None:
    for _ in range(EMAIL_FROM_ADDRESS.tries):
        attempts.take_sign_in(ADA, "192.0.2.1")
    for _ in range(100):
        with pytest.raises(RateExceeded):
            attempts.take_sign_in(ADA, "192.0.2.1")
    clock.now += EMAIL_FROM_ADDRESS.window_s / EMAIL_FROM_ADDRESS.tries
    attempts.take_sign_in(ADA, "192.0.2.1")


def test_new_accounts_of_one_address(attempts: Attempts) -> None:
    for _ in range(SIGN_UPS.tries):
        attempts.take_sign_up("192.0.2.1")
    with pytest.raises(RateExceeded, match="accounts"):
        attempts.take_sign_up("192.0.2.1")
    attempts.take_sign_in(ADA, "192.0.2.1")


def test_memory_is_bounded(clock: Clock) -> None:
    attempts = Attempts(clock, max_tracked=30)
    for number in range(100):
        attempts.take_sign_in(f"{number}@example.com", f"192.0.2.{number}")
    assert len(attempts._full_at) == 30


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(client: str, network: str) -> None:
    assert network_of(client) == network
