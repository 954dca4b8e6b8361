"""The cache alone: what is the same request, how old an answer may be, what goes first."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey
from modelgate.gateway import answer_cache
from modelgate.gateway.answer_cache import ANSWER_COST_BYTES, MAX_ANSWER_BYTES, AnswerCache, CachedAnswer, cache_key
from modelgate.metering.prices import Price

KEY = ApiKey(id="key_a", account="acct_a", book="live", name="k", digest="d", hint="")
REQUEST = HttpRequest(method="POST", path="/v1/x", headers=HeaderBlock(b"content-type: application/json\r\n"), body=b"{}")


def answer(body: bytes = b"body", *, stored_at: float = 100.0, kept_s: float = 60.0) -> CachedAnswer:
    return CachedAnswer(b"", body, "m", None, cast(Price, None), 5, stored_at, stored_at + kept_s)


def test_an_answer_is_as_old_as_both_sides_allow() -> None:
    cache = AnswerCache()
    cache.put(b"k", answer())
    assert cache.get(b"k", now=100.0, max_age_s=10) is not None
    assert cache.get(b"k", now=110.5, max_age_s=10) is None
    assert cache.get(b"k", now=159.0, max_age_s=100) is not None, "another that takes older ones"
    assert cache.get(b"k", now=160.0, max_age_s=100) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_a_clock_set_back_ends_what_is_from_the_future() -> None:
    cache = AnswerCache()
    cache.put(b"k", answer())
    assert cache.get(b"k", now=99.0, max_age_s=100) is None


def test_the_longest_unused_go_first() -> None:
    cache = AnswerCache(max_answers=2)
    cache.put(b"a", answer())
    cache.put(b"b", answer())
    cache.get(b"a", now=100, max_age_s=9)
    cache.put(b"c", answer())
    assert [name for name in (b"a", b"b", b"c") if cache.get(name, now=100, max_age_s=9)] == [b"a", b"c"]


def test_one_answer_is_bounded() -> None:
    cache = AnswerCache()
    cache.put(b"a", answer(bytes(MAX_ANSWER_BYTES)))
    cache.put(b"b", answer(bytes(MAX_ANSWER_BYTES + 1)))
    assert len(cache) == 1


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.integers(0, 5000)), max_size=60))
def test_all_answers_are_bounded_and_counted(steps: list[tuple[bytes, int]]) -> None:
    cache = AnswerCache(max_answers=8, max_bytes=12_000)
    for key, size in steps:
        cache.put(key, answer(bytes(size)))
        assert len(cache) <= 8
        assert cache.size_bytes <= 12_000
        assert cache.size_bytes == sum(len(kept.body) + ANSWER_COST_BYTES for kept in cache._answers.values())


@pytest.mark.parametrize(
    ("request_changes", "key_changes"),
    [
        ({"body": b"{} "}, {}),
        ({"path": "/v1/y"}, {}),
        ({"query": "alt=sse"}, {}),
        ({"headers": HeaderBlock(b"content-type: text/plain\r\n")}, {}),
        ({"headers": HeaderBlock(b"content-type: application/json\r\nanthropic-beta: x\r\n")}, {}),
        ({}, {"account": "acct_b"}),
        ({}, {"book": "test"}),
    ],
)
def test_what_makes_another_request(request_changes: Any, key_changes: Any) -> None:
    other = cache_key(msgspec.structs.replace(REQUEST, **request_changes), msgspec.structs.replace(KEY, **key_changes))
    assert other != cache_key(REQUEST, KEY)


def test_what_makes_none() -> None:
    headers = HeaderBlock(b"Content-Type: application/json\r\nuser-agent: x\r\n")
    other = msgspec.structs.replace(REQUEST, headers=headers, body=bytearray(b"{}"), query="key=sk-1", id="req_2")
    assert cache_key(other, msgspec.structs.replace(KEY, id="key_b")) == cache_key(REQUEST, KEY)


def test_the_bounds_are_named() -> None:
    assert (answer_cache.MAX_ANSWERS, answer_cache.MAX_BYTES, answer_cache.MAX_AGE_S) == (10_000, 64 * 1024 * 1024, 86_400)
