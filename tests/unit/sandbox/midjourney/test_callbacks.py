import asyncio

import pytest

from modelgate.sandbox.midjourney.callbacks import MARGIN_S, MidjourneyCallbacks, post_json
from modelgate.sandbox.midjourney.jobs import SUBMITTED_S, MidjourneyJob

JOB = MidjourneyJob(action="IMAGINE", id="7", created_at=100.0, starts_at=100.0, working_s=1.0, notify_hook="http://caller/hook")


async def followed(job: MidjourneyJob) -> tuple[list[float], list[tuple[str, bytes]]]:
    waits: list[float] = []
    told: list[tuple[str, bytes]] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def post(url: str, body: bytes) -> None:
        told.append((url, body))

    callbacks = MidjourneyCallbacks(sleep=sleep, post=post)
    callbacks.follow(job, 100.0, lambda: b"%d" % len(told))
    for _ in range(10):
        await asyncio.sleep(0)
    return waits, told


def test_its_beginning_and_its_end_are_told() -> None:
    waits, told = asyncio.run(followed(JOB))
    assert waits == pytest.approx([SUBMITTED_S + MARGIN_S, 1.0 + MARGIN_S])
    assert told == [("http://caller/hook", b"0"), ("http://caller/hook", b"1")]


def test_an_open_dialog_is_told_at_once() -> None:
    waits, told = asyncio.run(followed(MidjourneyJob(action="INPAINT", starts_at=None, notify_hook="http://caller/hook")))
    assert (waits, len(told)) == ([MARGIN_S], 1)


def test_nobody_is_told_without_an_address() -> None:
    assert asyncio.run(followed(MidjourneyJob(action="IMAGINE"))) == ([], [])


def test_trouble_is_the_receivers() -> None:
    asyncio.run(post_json("nowhere", b"{}"))
