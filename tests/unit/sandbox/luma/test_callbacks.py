import asyncio

import pytest

from modelgate.sandbox.luma.callbacks import MARGIN_S, RETRIES, RETRY_PAUSE_S, LumaCallbacks, post_json


async def followed(url: object, *, answers: list[int]) -> tuple[list[float], list[tuple[str, bytes]]]:
    waits: list[float] = []
    told: list[tuple[str, bytes]] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def post(url: str, body: bytes) -> int:
        told.append((url, body))
        return answers.pop(0) if answers else 200

    LumaCallbacks(sleep=sleep, post=post).follow(url, (0.3, 0.9), lambda: b"%d" % len(told))
    for _ in range(50):
        await asyncio.sleep(0)
    return waits, told


def test_each_change_is_told() -> None:
    waits, told = asyncio.run(followed("http://caller/hook", answers=[]))
    assert waits == pytest.approx([0.3 + MARGIN_S, 0.9 + MARGIN_S])
    assert told == [("http://caller/hook", b"0"), ("http://caller/hook", b"1")]


def test_what_is_not_answered_with_200_is_told_again_and_then_given_up() -> None:
    waits, told = asyncio.run(followed("http://caller/hook", answers=[204, 0]))
    assert (len(told), waits.count(RETRY_PAUSE_S)) == (4, 2)
    _, told = asyncio.run(followed("http://caller/hook", answers=[500] * 10))
    assert len(told) == 2 * (1 + RETRIES)


@pytest.mark.parametrize("url", ["", None, 7])
def test_nobody_is_told_without_an_address(url: object) -> None:
    assert asyncio.run(followed(url, answers=[])) == ([], [])


def test_trouble_is_the_receivers() -> None:
    assert asyncio.run(post_json("nowhere", b"{}")) == 0
