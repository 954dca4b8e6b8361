from typing import Any

import msgspec
import pytest

from modelgate.core.blobs import BlobStoreFailed
from modelgate.core.providers import UpstreamCall, VendorState
from modelgate.core.records import Task, TaskOutput
from modelgate.tasks.follow import MAX_ABSENT_POLLS, MAX_COPY_TRIES, MAX_GONE

pytestmark = pytest.mark.anyio


async def run(world: Any) -> Task:
    """Submit a task and follow it to its end."""
    await world.life().advance(await world.queue())
    await world.live_on()
    world.check_money()
    return await world.stored()


async def test_progress_never_goes_back_and_full_is_for_the_end(world: Any) -> None:
    shown: list[int] = []
    world.vendor.at_point = lambda point: shown.append(world.store.rows["task_0123456789"][0].progress)
    world.vendor.polls = [VendorState(state="running", progress=progress) for progress in (50, 20, 100)]

    task = await run(world)

    assert shown == sorted(shown)
    assert max(shown) == 99
    assert task.progress == 100


@pytest.mark.parametrize("trouble", [VendorState(), 500, 404, "drop"])
async def test_a_poll_that_tells_nothing_leaves_the_task(world: Any, trouble: VendorState | str | int) -> None:
    world.vendor.polls = [trouble] * 20

    task = await run(world)

    assert task.state == "succeeded"
    assert world.now - task.created_at > 10 * 60  # pauses grow


async def test_a_failed_job_costs_nothing(world: Any) -> None:
    world.vendor.polls = [VendorState(state="failed", error_code="generation_failed", error_message="too dark")]

    task = await run(world)

    assert (task.state, task.error_code, task.error_message) == ("failed", "generation_failed", "too dark")


async def test_results_are_stored_before_the_task_succeeds(world: Any) -> None:
    stored: list[bool] = []
    world.store.at_point = lambda point: stored.append(bool(world.blobs)) if point == "before succeeded" else None

    task = await run(world)

    assert stored == [True]
    assert task.outputs == (
        TaskOutput(kind="image", url="http://files.example/a.png", blob="task_0123456789-0.png", content_type="image/png", size_bytes=15),
    )


async def test_a_success_without_a_result_is_a_failure(world: Any) -> None:
    world.vendor.polls = [VendorState(state="succeeded")]

    assert (await run(world)).state == "failed"


@pytest.mark.parametrize("error", [ValueError("refused address"), BlobStoreFailed("disk full"), TimeoutError()])
async def test_results_are_fetched_again_when_that_fails(world: Any, error: Exception) -> None:
    world.fetches = [error] * (MAX_COPY_TRIES - 1)

    assert (await run(world)).state == "succeeded"


async def test_results_that_never_come_cost_nothing(world: Any) -> None:
    world.fetches = [ValueError("refused address")] * 100

    task = await run(world)

    assert (task.state, task.error_code) == ("failed", "result_not_fetched")
    assert len(world.fetches) == 100 - MAX_COPY_TRIES


async def test_a_job_the_vendor_forgot_fails_after_some_answers_in_a_row(world: Any) -> None:
    await world.life().advance(await world.queue())
    world.vendor.hides = True
    await world.live_on()

    task = await world.stored()
    assert (task.state, task.error_code) == ("failed", "task_not_found")
    assert len([call for call in world.vendor.calls if "GET" in call]) == MAX_ABSENT_POLLS
    world.check_money()


async def test_absent_answers_must_come_in_a_row(world: Any) -> None:
    absent = VendorState(refused=True, error_code="task_not_found")
    world.vendor.polls = ([absent] * (MAX_ABSENT_POLLS - 1) + [VendorState(state="running")]) * 3

    assert (await run(world)).state == "succeeded"


async def test_an_upstream_that_is_gone_fails_its_tasks_after_a_while(world: Any) -> None:
    await world.life().advance(await world.queue())
    gone, world.upstreams = world.upstreams, []
    mover = world.life()
    for _ in range(MAX_GONE - 1):
        world.now = await world.store.next_wake()
        (task,) = await world.store.claim_due(now=world.now, limit=1, lease_until=world.now + 300)
        assert (await mover.advance(task)).state == "running"
    await world.live_on(mover)

    assert (await world.stored()).state == "failed"
    assert gone
    world.check_money()


async def test_an_unanswered_submit_is_looked_up_until_it_is_credibly_absent(world: Any) -> None:
    world.vendor.submits = ["drop"]
    task = await world.life().advance(await world.queue())
    submitted_at = task.submitted_at
    await world.live_on()

    ended = await world.stored()
    assert ended.state == "failed"
    assert ended.finished_at - submitted_at >= 60
    assert len([call for call in world.vendor.calls if "GET" in call]) >= 4
    world.check_money()


async def test_a_look_up_that_fails_proves_nothing(world: Any) -> None:
    world.vendor.submits = ["lose"]
    world.vendor.polls = ["drop", 500, 500, 503, VendorState(), "drop"]

    assert (await run(world)).state == "succeeded"
    assert len(world.vendor.taken) == 1


async def test_a_job_found_finished_ends_in_the_same_step(world: Any) -> None:
    world.vendor.submits = ["lose"]
    await world.life().advance(await world.queue())
    world.now = await world.store.next_wake()
    (task,) = await world.store.claim_due(now=world.now, limit=1, lease_until=world.now + 300)

    assert (await world.life().advance(task)).state == "succeeded"
    world.check_money()


async def test_without_a_look_up_an_unanswered_submit_ends_unpaid(world: Any) -> None:
    world.operation = msgspec.structs.replace(world.operation, encode_lookup=None, parse_lookup=None)
    world.vendor.submits = ["lose"]

    task = await run(world)

    assert task.state == "failed"
    assert len(world.vendor.calls) == 1


@pytest.mark.parametrize("name", ["", "x" * 501, "job\0"])
async def test_a_vendors_id_that_cannot_be_kept_is_no_better_than_none(world: Any, name: str) -> None:
    world.operation = msgspec.structs.replace(world.operation, parse_submit=lambda *_: VendorState(state="running", vendor_task=name))

    assert (await world.life().advance(await world.queue())).state == "unknown"


async def test_a_vendors_words_are_made_storable(world: Any) -> None:
    """Postgres refuses NUL in a text; the task could never end."""
    world.vendor.polls = [VendorState(state="failed", error_code="c" * 200, error_message="a\0b")]

    task = await run(world)

    assert (len(task.error_code), task.error_message) == (100, "ab")


async def test_what_a_vendor_tells_only_when_asked_is_added_and_not_stored(world: Any) -> None:
    world.operation = msgspec.structs.replace(
        world.operation,
        encode_question=lambda vendor_task: UpstreamCall(method="GET", path=f"/{vendor_task}"),
        parse_question=lambda status, body: {"seed": "7"} if status == 200 else {},
    )
    task = await world.queue(state="running", upstream="up_first", credential="cred_first", vendor_task="job-0", details=b'{"kept": 1}')
    world.vendor.jobs[task.id] = "job-0"

    asked = await world.life().ask(task)

    assert msgspec.json.decode(asked.details) == {"kept": 1, "seed": "7"}
    assert (await world.stored()).details == b'{"kept": 1}'


@pytest.mark.parametrize("trouble", ["drop", 500])
async def test_a_question_that_is_not_answered_changes_nothing(world: Any, trouble: str | int) -> None:
    world.operation = msgspec.structs.replace(
        world.operation,
        encode_question=lambda vendor_task: UpstreamCall(method="GET", path=f"/{vendor_task}"),
        parse_question=lambda status, body: {"seed": "7"} if status == 200 else {},
    )
    world.vendor.polls = [trouble]
    task = await world.queue(state="running", upstream="up_first", credential="cred_first", vendor_task="job-0")
    world.vendor.jobs[task.id] = "job-0"
    assert await world.life().ask(task) == task
