"""Previews of tasks that still run: through us, a moment in memory, and no more of them than so many."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, Overloaded
from modelgate.core.records import Task, TaskOutput, Upstream
from modelgate.gateway.previews import APART_S, MAX_BYTES, MAX_FETCHING, MAX_KEPT, Previews
from modelgate.transport.errors import TimedOut
from modelgate.transport.guard import Fetched
from modelgate.transport.target import Target

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n-1"
UPSTREAM = Upstream(id="up_1", name="u", provider="midjourney", base_url="http://proxy.example/mj", book="live")
TASK = Task(
    id="task_1", account="a", key="k", book="live", family="midjourney", operation="image", model="mj_imagine", state="running",
    request=b"{}", upstream="up_1", outputs=(TaskOutput(kind="image", url="https://cdn.example/1.png"),),
)  # fmt: skip


class House:
    def __init__(self) -> None:
        self.now = 5_000.0
        self.answer: bytes | Exception = PNG
        self.asked: list[dict[str, Any]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.previews = Previews(self, upstreams=lambda: (UPSTREAM,), clock=lambda: self.now)

    async def fetch(self, url: str, *, max_bytes: int, exempt: Mapping[str, Target], **_: Any) -> Fetched:
        self.asked.append({"url": url, "max_bytes": max_bytes, "exempt": list(exempt)})
        await self.may_answer.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return Fetched(body=self.answer, content_type="text/html", final_url=url)


@pytest.fixture
def house() -> House:
    return House()


async def test_it_is_fetched_when_somebody_looks_and_kept_for_a_moment(house: House) -> None:
    response = await house.previews.serve(TASK)
    assert (response.status, response.body, response.headers.get(b"content-type")) == (200, PNG, b"image/png")
    assert (response.headers.get(b"cache-control"), response.headers.get(b"x-content-type-options")) == (b"no-store", b"nosniff")
    assert house.asked == [{"url": "https://cdn.example/1.png", "max_bytes": MAX_BYTES, "exempt": ["http://proxy.example"]}]

    house.answer = PNG + b"2"
    assert (await house.previews.serve(TASK)).body == PNG
    house.now += APART_S
    assert (await house.previews.serve(TASK)).body == PNG + b"2"
    assert len(house.asked) == 2


async def test_a_crowd_shares_one_fetch(house: House) -> None:
    await asyncio.gather(*(house.previews.serve(TASK) for _ in range(20)))
    assert len(house.asked) == 1


async def test_there_is_none_yet(house: House) -> None:
    for outputs in ((), (TaskOutput(kind="video", url="https://cdn.example/1.mp4"),)):
        with pytest.raises(InvalidRequest) as refused:
            await house.previews.serve(msgspec.structs.replace(TASK, outputs=outputs))
        assert refused.value.code == "task_not_ready"
    assert house.asked == []


@pytest.mark.parametrize("answer", [TimedOut("no answer", phase="head"), ValueError("refused"), b"<html>", b"\x1aE\xdf\xa3 a film", b""])
async def test_what_cannot_be_had_is_not_asked_for_again_at_once(house: House, answer: bytes | Exception) -> None:
    house.answer = answer
    for _ in range(3):
        with pytest.raises(Overloaded):
            await house.previews.serve(TASK)
    assert len(house.asked) == 1
    house.answer = PNG
    house.now += APART_S
    assert (await house.previews.serve(TASK)).body == PNG


async def test_an_old_picture_is_not_shown_when_the_new_one_cannot_be_had(house: House) -> None:
    await house.previews.serve(TASK)
    house.answer = TimedOut("no answer", phase="head")
    house.now += APART_S
    with pytest.raises(Overloaded):
        await house.previews.serve(TASK)


async def test_only_so_many_are_kept(house: House) -> None:
    for number in range(MAX_KEPT + 1):
        await house.previews.serve(msgspec.structs.replace(TASK, id=f"task_{number}"))
    await house.previews.serve(msgspec.structs.replace(TASK, id=f"task_{MAX_KEPT}"))
    assert len(house.asked) == MAX_KEPT + 1
    await house.previews.serve(msgspec.structs.replace(TASK, id="task_0"))
    assert len(house.asked) == MAX_KEPT + 2


async def test_only_so_many_are_fetched_at_once(house: House) -> None:
    house.may_answer.clear()
    waiting = [
        asyncio.ensure_future(house.previews.serve(msgspec.structs.replace(TASK, id=f"task_{number}"))) for number in range(MAX_FETCHING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await house.previews.serve(msgspec.structs.replace(TASK, id="task_more"))
    house.may_answer.set()
    assert {response.body for response in await asyncio.gather(*waiting)} == {PNG}
    assert (await house.previews.serve(msgspec.structs.replace(TASK, id="task_more"))).body == PNG
