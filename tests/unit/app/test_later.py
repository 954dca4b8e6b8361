"""Something is made once, when it is needed, and beside the event loop."""

import asyncio
import threading
import time

import pytest

from modelgate.app.later import Later


def test_it_is_made_once_in_a_thread_for_all_who_ask_at_once() -> None:
    made: list[int] = []

    def make() -> str:
        made.append(threading.get_ident())
        time.sleep(0.02)
        return "room"

    async def ask() -> list[str]:
        later = Later(make)
        assert later.made is None
        return await asyncio.gather(*(later.get() for _ in range(3)), later.get())

    assert asyncio.run(ask()) == ["room"] * 4
    assert len(made) == 1
    assert made[0] != threading.get_ident()


def test_a_failure_is_told_and_tried_again() -> None:
    outcomes = [ValueError("not now"), "room"]

    def make() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    async def ask() -> str:
        later = Later(make)
        with pytest.raises(ValueError, match="not now"):
            await later.get()
        return await later.get()

    assert asyncio.run(ask()) == "room"
