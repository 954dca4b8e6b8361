"""A process killed at any point of every other way a task may go: paid for once or not at all, submitted once, ended."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelgate.core.providers import UpstreamCall, VendorState
from modelgate.core.records import TaskOutput

pytestmark = pytest.mark.anyio

DONE = VendorState(state="succeeded", outputs=(TaskOutput(kind="image", url="http://files.example/a.png"),))
MAX_POINTS = 40


def parse(status: int, body: bytes) -> VendorState:
    return msgspec.json.decode(body, type=VendorState) if status == 200 else VendorState()


def at_once(world: Any) -> None:
    """A vendor that answers a submit with the results, and cannot be asked later."""
    operation = world.operation

    def parse_submit(status: int, body: bytes) -> VendorState:
        taken = operation.parse_submit(status, body)
        return DONE if taken.state == "running" else taken

    world.operation = msgspec.structs.replace(
        operation, parse_submit=parse_submit, encode_poll=None, parse_poll=None, encode_lookup=None, parse_lookup=None
    )


def further(world: Any) -> None:
    """A vendor whose poll only says that there is a result, which is another call."""

    def parse_poll(status: int, body: bytes) -> VendorState:
        told = parse(status, body)
        return VendorState(further=UpstreamCall(method="GET", path=f"/{told.vendor_task}")) if told.state == "succeeded" else told

    world.operation = msgspec.structs.replace(world.operation, parse_poll=parse_poll, parse_result=parse)
    world.vendor.polls = [VendorState(state="running", progress=40)]


def previews(world: Any) -> None:
    """A vendor that shows parts of the result and tells about the job while it runs."""
    preview = TaskOutput(kind="image", url="http://files.example/preview.png")
    world.vendor.polls = [VendorState(state="running", progress=40, outputs=(preview,), details={"seed": 7})]


def asks_back(world: Any) -> None:
    """A vendor that waits for its caller, who never comes: it ends at the deadline."""
    world.vendor.polls = [VendorState(state="waiting_input")]


def bills_half(world: Any) -> None:
    """A vendor that made, and charges, only one of two."""
    world.vendor.polls = [msgspec.structs.replace(DONE, billed=1)]


WAYS: dict[str, tuple[Callable[[Any], None], str]] = {
    "at once": (at_once, "succeeded"),
    "a further call": (further, "succeeded"),
    "previews": (previews, "succeeded"),
    "asks back": (asks_back, "expired"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_kill_at_any_point_leaves_one_job_and_settles_once(make_world: Callable[[], Any], way: str) -> None:
    prepare, end = WAYS[way]
    whole = make_world()
    prepare(whole)
    points = await whole.live_through_kills([])
    whole.check_money()
    assert (await whole.stored()).state == end
    assert 4 <= points <= MAX_POINTS

    for kill in range(points):
        world = make_world()
        prepare(world)
        await world.live_through_kills([kill])
        world.check_money()
        assert len(world.vendor.taken) <= 1
        if world.store.rows and world.vendor.taken and way != "at once":  # whose answer was lost with the process, it cannot be asked again
            # A vendor that asks back asks once: if that was lost, its next word is the result.
            assert (await world.stored()).state in ((end, "succeeded") if way == "asks back" else (end,))


async def test_what_was_made_at_once_is_kept_before_its_files_are_copied(world: Any) -> None:
    """A crash, or a file that is not there yet, must not lose what the vendor has been paid for."""
    at_once(world)
    world.fetches = [ValueError("not yet"), ValueError("not yet")]
    task = await world.life().advance(await world.queue())
    assert (task.state, task.vendor_task, task.outputs) == ("running", "", DONE.outputs)
    await world.live_on()
    assert (await world.stored()).state == "succeeded"
    world.check_money()


async def test_only_what_the_vendor_bills_is_charged(world: Any) -> None:
    bills_half(world)
    task = await world.queue(weight=2)
    await world.life().advance(task)
    await world.live_on()
    assert world.store.charged == {task.id: task.amount_nanos // 2}


@pytest.mark.parametrize("vendor_stops", [True, False])
async def test_a_kill_while_canceling_settles_once(make_world: Callable[[], Any], vendor_stops: bool) -> None:
    """The vendor may have stopped and nobody wrote it down: then the next poll says so."""
    for kill in range(8):
        world = make_world()
        stopped: list[str] = []

        def encode_cancel(job: str) -> UpstreamCall:
            return UpstreamCall(method="GET", path=f"/{job}")

        def parse_cancel(status: int, body: bytes, stopped: list[str] = stopped) -> VendorState:
            if vendor_stops:
                stopped.append("x")
            return VendorState(state="canceled") if vendor_stops else VendorState()

        def parse_poll(status: int, body: bytes, stopped: list[str] = stopped) -> VendorState:
            return VendorState(state="canceled", error_code="canceled") if stopped else parse(status, body)

        world.operation = msgspec.structs.replace(
            world.operation, encode_cancel=encode_cancel, parse_cancel=parse_cancel, parse_poll=parse_poll
        )
        await world.life().advance(await world.queue())
        claimed = await world.store.claim(world.name, now=world.now, lease_until=world.now + 300)
        assert claimed is not None
        points = 0

        def at_point(_: str, kill: int = kill) -> None:
            nonlocal points
            points += 1
            if points - 1 == kill:
                raise RuntimeError("killed")

        world.store.at_point = world.vendor.at_point = at_point
        try:
            await world.life().cancel(claimed)
        except RuntimeError:
            await world.store.free_leases(before=world.now + 1)
        world.store.at_point = world.vendor.at_point = lambda _: None
        await world.live_on()
        world.check_money()
        expected = {"canceled", "failed", "succeeded"} if vendor_stops else {"succeeded"}
        assert (await world.stored()).state in expected


async def test_what_nobody_has_begun_is_canceled_outright(world: Any) -> None:
    task = await world.queue()
    ended = await world.life().cancel(task)
    assert (ended.state, ended.error_code) == ("canceled", "canceled")
    assert world.vendor.calls == []
    world.check_money()
    assert (await world.life().cancel(ended)) == ended


async def test_a_vendor_that_cannot_stop_goes_on(world: Any) -> None:
    running = await world.life().advance(await world.queue())
    kept = await world.life().cancel(await world.store.claim(running.id, now=world.now, lease_until=world.now + 300))
    assert kept.state == "running"
    await world.live_on()
    assert (await world.stored()).state == "succeeded"
    world.check_money()
