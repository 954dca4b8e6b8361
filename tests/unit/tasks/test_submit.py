from typing import Any

import msgspec
import pytest

from modelgate.core.blobs import BlobNotFound, BlobStoreFailed
from modelgate.core.http import HeaderBlock
from modelgate.core.providers import VendorState
from modelgate.formats.media.requests import ImageRequest, MediaInput, encode_request
from modelgate.routing.health import FAILURES_BEFORE_COOLDOWN
from modelgate.tasks.submit import MAX_ATTEMPTS, PARENT_GONE, UPSTREAM_REFUSED

pytestmark = pytest.mark.anyio


async def test_the_mark_is_stored_before_the_vendor_hears(world: Any) -> None:
    seen = []
    world.vendor.at_point = lambda point: seen.append(world.store.rows["task_0123456789"][0].state)

    task = await world.life().advance(await world.queue())

    assert seen[0] == "submitting"
    assert (task.state, task.upstream, task.credential, task.vendor_task, task.progress) == (
        "running",
        "up_first",
        "cred_first",
        "job-0",
        10,
    )
    assert [state for _, state, _ in world.store.events] == ["queued", "submitting", "running"]


async def test_the_callers_fault_comes_back_at_once_with_the_vendors_words(world: Any) -> None:
    world.vendor.submits = ["reject"]

    task = await world.life().advance(await world.queue())

    assert (task.state, task.error_code, task.error_message) == ("failed", "content_refused", "not that")
    assert len(world.vendor.calls) == 1
    world.check_money()


async def test_what_a_vendor_says_about_our_account_stays_here(world: Any) -> None:
    world.vendor.submits = ["refuse", "refuse"]

    task = await world.life().advance(await world.queue())

    assert (task.state, task.error_code, task.error_message) == ("failed", "vendor_balance", UPSTREAM_REFUSED)
    assert [call.split()[0] for call in world.vendor.calls] == ["first", "second"]
    world.check_money()


async def test_who_builds_on_work_that_is_gone_makes_nobody_wait(world: Any) -> None:
    """An upstream was left alone after somebody had asked it for an extension of a removed video a few times."""
    gone = VendorState(refused=True, retryable=True, error_code="task_not_found", error_message="no such video")
    usual = world.operation
    world.operation = msgspec.structs.replace(usual, parse_submit=lambda *_: gone)
    life = world.life()
    for number in range(FAILURES_BEFORE_COOLDOWN + 1):
        task = await life.advance(await world.queue(f"task_{number}", pinned="up_first"))
        assert (task.state, task.error_code, task.error_message) == ("failed", "invalid_request", PARENT_GONE)

    world.operation = usual
    assert (await life.advance(await world.queue("task_next"))).upstream == "up_first"
    await world.live_on(life)
    world.check_money()


async def test_what_is_not_there_and_no_earlier_work_is_ours_to_mend(world: Any) -> None:
    gone = VendorState(refused=True, retryable=True, error_code="task_not_found", error_message="no such model")
    world.operation = msgspec.structs.replace(world.operation, parse_submit=lambda *_: gone)

    task = await world.life().advance(await world.queue())

    assert (task.state, task.error_code, task.error_message) == ("failed", "vendor_misconfigured", UPSTREAM_REFUSED)
    assert [call.split()[0] for call in world.vendor.calls] == ["first", "second"]


@pytest.mark.parametrize("ambiguous", ["lose", "drop", "garble"])
async def test_an_ambiguous_submit_is_never_sent_twice(world: Any, ambiguous: str) -> None:
    """A create that timed out was once retried into two paid jobs."""
    world.vendor.submits = [ambiguous]

    task = await world.life().advance(await world.queue())
    assert task.state == "unknown"
    await world.live_on()

    assert [call for call in world.vendor.calls if "POST" in call] == ["first POST /jobs"]
    assert (await world.stored()).state == ("failed" if ambiguous == "drop" else "succeeded")
    world.check_money()


async def test_a_busy_vendor_is_left_alone_as_long_as_it_asks(world: Any) -> None:
    world.upstreams = world.upstreams[:1]
    world.vendor.submits = ["busy"]

    task = await world.life().advance(await world.queue())

    assert (task.state, task.attempt, task.upstream, task.submitted_at) == ("queued", 1, "", None)
    assert task.due_at == world.now + 30
    await world.live_on()
    assert (await world.stored()).state == "succeeded"
    world.check_money()


@pytest.mark.parametrize("is_sandbox", [False, True])
async def test_what_one_caller_has_the_sandbox_play_is_nothing_to_the_next(world: Any, is_sandbox: bool) -> None:
    world.upstreams = [msgspec.structs.replace(world.upstreams[0], socket="/run/sandbox.sock" if is_sandbox else "")]
    world.vendor.submits = ["busy"]
    life = world.life()

    await life.advance(await world.queue("task_played"))
    task = await life.advance(await world.queue("task_next"))

    assert task.state == ("running" if is_sandbox else "queued")


async def test_the_retry_after_header_counts_too(world: Any) -> None:
    world.upstreams = world.upstreams[:1]
    world.vendor.submits = ["refuse"]
    world.vendor.headers = HeaderBlock.of(("retry-after", "17"))

    task = await world.life().advance(await world.queue())

    assert (task.state, task.due_at) == ("queued", world.now + 17)


async def test_attempts_are_bounded(world: Any) -> None:
    world.vendor.submits = ["unsent"] * 100

    await world.life().advance(await world.queue())
    await world.live_on()

    assert (await world.stored()).state == "failed"
    assert MAX_ATTEMPTS <= len(world.vendor.calls) <= MAX_ATTEMPTS + 1
    world.check_money()


async def test_without_an_upstream_a_task_waits_for_one(world: Any) -> None:
    upstreams, world.upstreams = world.upstreams, []
    task = await world.life().advance(await world.queue())
    assert task.state == "queued"

    world.upstreams = upstreams
    await world.live_on()
    assert (await world.stored()).state == "succeeded"


async def test_an_upstreams_bound_holds_what_runs_there(world: Any) -> None:
    world.upstreams = [msgspec.structs.replace(world.upstreams[0], max_concurrent=5)]
    mover = world.life()

    states = [(await mover.advance(await world.queue(f"task_000000000{n}", weight=weight))).state for n, weight in enumerate((3, 3, 2, 9))]

    assert states == ["running", "queued", "running", "queued"]
    await world.live_on(mover)
    world.check_money()
    assert all(task.state == "succeeded" for task, _, _ in world.store.rows.values())


async def test_stored_inputs_are_sent_as_bytes(world: Any) -> None:
    seen: list[ImageRequest] = []

    def encode(request: ImageRequest, task_id: str, model: str) -> Any:
        seen.append(request)
        return operation.encode_submit(request, task_id, model)

    operation = world.operation
    world.operation = msgspec.structs.replace(operation, encode_submit=encode)
    world.blobs["task-in-0.png"] = b"bytes"
    request = ImageRequest(model="m", prompt="p", inputs=(MediaInput(blob="task-in-0.png", content_type="image/png"),))

    await world.life().advance(await world.queue(request=encode_request(request)))

    assert seen[0].inputs == (MediaInput(data=b"bytes", content_type="image/png"),)


@pytest.mark.parametrize(("error", "state"), [(BlobNotFound("gone"), "failed"), (BlobStoreFailed("disk"), "queued")])
async def test_inputs_that_cannot_be_read(world: Any, error: Exception, state: str) -> None:
    async def get(key: str) -> bytes:
        raise error

    world.get = get
    request = ImageRequest(model="m", prompt="p", inputs=(MediaInput(blob="task-in-0.png"),))

    task = await world.life().advance(await world.queue(request=encode_request(request)))

    assert task.state == state
    assert world.vendor.calls == []


@pytest.mark.parametrize(
    "error", [ValueError("an input is neither an address nor bytes"), KeyError("duration"), TypeError("not a mapping")]
)
async def test_a_request_no_vendor_call_can_be_made_of_fails(world: Any, error: Exception) -> None:
    """One that its check had let through stood in the queue with its money held until its deadline."""

    def encode(request: ImageRequest, task_id: str, model: str) -> Any:
        raise error

    world.operation = msgspec.structs.replace(world.operation, encode_submit=encode)

    assert (await world.life().advance(await world.queue())).state == "failed"
    world.check_money()


async def test_an_answer_in_an_unknown_word_is_no_answer(world: Any) -> None:
    world.operation = msgspec.structs.replace(world.operation, parse_submit=lambda *_: VendorState(vendor_task="job-9"))

    assert (await world.life().advance(await world.queue())).state == "unknown"
