"""Keys: where the secret is found, and what the key behind it may do."""

import hashlib

import pytest

from modelgate.core.errors import DisabledKey, ExpiredKey, ForeignAddress, InvalidKey, MissingKey, ModelNotAllowed
from modelgate.core.http import HeaderBlock
from modelgate.core.records import ApiKey
from modelgate.identity.keys import (
    MAX_SECRET_BYTES,
    check_key,
    check_model,
    digest_of,
    hint_of,
    may_use,
    new_key,
    parse_networks,
    secret_from,
)

KEY = ApiKey(id="key_1", account="acct_1", book="test", name="n", digest="d", hint="h")
NOW = 1_790_000_000.0


def key(**fields: object) -> ApiKey:
    return ApiKey(**{"id": "key_1", "account": "acct_1", "book": "test", "name": "n", "digest": "d", "hint": "h"} | fields)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([("Authorization", "Bearer sk-test-abc")], ""),
        ([("authorization", "bearer   sk-test-abc ")], ""),
        ([("Authorization", "BEARER sk-test-abc")], ""),
        ([("Authorization", "sk-test-abc")], ""),
        ([("x-api-key", "sk-test-abc")], ""),
        ([("X-Api-Key", "sk-test-abc"), ("authorization", "Bearer ")], ""),
        ([("x-goog-api-key", "sk-test-abc")], ""),
        ([("mj-api-secret", "sk-test-abc")], ""),
        ([], "page=2&key=sk-test-abc"),
        ([], "key=sk%2Dtest-abc"),
        ([("Authorization", "Bearer sk-test-abc"), ("x-api-key", "sk-test-other")], "key=sk-test-third"),
    ],
)
def test_the_secret_is_found_where_each_dialect_puts_it(headers: list[tuple[str, str]], query: str) -> None:
    assert secret_from(HeaderBlock.of(*headers), query) == "sk-test-abc"


@pytest.mark.parametrize(
    ("headers", "query"),
    [([], ""), ([("Authorization", "Bearer ")], ""), ([("Authorization", "")], ""), ([("x-api-key", " ")], "monkey=sk-test-abc&key=")],
)
def test_a_request_without_a_secret_is_told_so(headers: list[tuple[str, str]], query: str) -> None:
    with pytest.raises(MissingKey):
        secret_from(HeaderBlock.of(*headers), query)


def test_a_secret_longer_than_any_key_is_not_looked_up() -> None:
    assert len(secret_from(HeaderBlock.of(("authorization", "Bearer " + "x" * MAX_SECRET_BYTES)))) == MAX_SECRET_BYTES
    with pytest.raises(InvalidKey):
        secret_from(HeaderBlock.of(("authorization", "Bearer " + "x" * (MAX_SECRET_BYTES + 1))))


def test_a_secret_that_is_not_ascii_is_only_a_wrong_key() -> None:
    assert digest_of(secret_from(HeaderBlock(b"authorization: Bearer \xff\xfe\r\n")))


def test_the_digest_is_the_whole_sha256() -> None:
    assert digest_of("sk-test-abc") == hashlib.sha256(b"sk-test-abc").hexdigest()


def test_keys_that_share_a_prefix_are_different_keys() -> None:
    """One gateway cached keys by their first 20 characters: another customer's key was accepted."""
    assert digest_of("sk-test-01234567890123456789a") != digest_of("sk-test-01234567890123456789b")


def test_a_hint_shows_the_kind_and_four_characters() -> None:
    assert hint_of("sk-live-0123456789abcdef") == "sk-live-…cdef"


def test_a_plain_key_may_be_used_from_anywhere_for_ever() -> None:
    check_key(KEY, now=1e12, client="not even an address")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"disabled": True}, DisabledKey),
        ({"expires_at": NOW}, ExpiredKey),
        ({"expires_at": NOW - 1, "disabled": True}, DisabledKey),
        ({"ips": ("192.0.2.8",)}, ForeignAddress),
        ({"expires_at": NOW - 1, "ips": ("192.0.2.8",)}, ExpiredKey),
    ],
)
def test_what_forbids_the_use_of_a_key(fields: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_key(key(**fields), now=NOW, client="192.0.2.7")


def test_a_key_works_until_the_second_it_expires() -> None:
    check_key(key(expires_at=NOW), now=NOW - 0.001, client="192.0.2.7")


@pytest.mark.parametrize(
    ("ips", "client", "inside"),
    [
        (("192.0.2.7",), "192.0.2.7", True),
        (("10.0.0.0/8",), "10.255.0.1", True),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("10.1.2.3/8",), "10.9.9.9", True),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("::ffff:10.0.0.0/104",), "10.1.2.3", True),
        (("::ffff:10.0.0.0/104",), "11.1.2.3", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("::/0",), "192.0.2.7", False),
        (("192.0.2.1", "198.51.100.0/24"), "198.51.100.9", True),
        (("192.0.2.7",), "", False),
        (("192.0.2.7",), "unix:", False),
    ],
)
def test_addresses_and_networks(ips: tuple[str, ...], client: str, inside: bool) -> None:
    if inside:
        check_key(key(ips=ips), now=NOW, client=client)
    else:
        with pytest.raises(ForeignAddress):
            check_key(key(ips=ips), now=NOW, client=client)


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.300"):
        parse_networks(("10.0.0.1", "10.0.0.300"))


def test_a_model_list_binds_and_an_empty_one_does_not() -> None:
    check_model(KEY, "gpt-4o")
    check_model(key(models=("gpt-4o",)), "gpt-4o")
    with pytest.raises(ModelNotAllowed) as caught:
        check_model(key(models=("gpt-4o",)), "gpt-4o-mini")
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("models", "model", "may"),
    [
        (("gpt-*",), "gpt-4o", True),
        (("gpt-*",), "gpt-", True),
        (("gpt-*",), "gp", False),
        (("claude-*", "gpt-4o"), "gpt-4o", True),
        (("claude-*", "gpt-4o"), "gpt-4o-mini", False),
        (("*",), "anything", True),
        (("",), "gpt-4o", False),
    ],
)
def test_a_star_at_the_end_is_every_name_that_begins_so(models: tuple[str, ...], model: str, may: bool) -> None:
    """It was taken literally: the key could use nothing."""
    assert may_use(key(models=models), model) == may


def test_a_new_key_says_its_book_and_keeps_only_the_digest() -> None:
    secret, made = new_key(account="acct_1", book="live", name="mobile")
    assert secret.startswith("sk-live-")
    assert made.digest == digest_of(secret)
    assert (made.account, made.book, made.name, made.hint) == ("acct_1", "live", "mobile", f"sk-live-…{secret[-4:]}")
    other, _ = new_key(account="acct_1", book="test", name="mobile")
    assert other.startswith("sk-test-")
    assert secret[8:] not in repr(made)
