"""Vendors that tell of many jobs in one answer are asked so, and a task in a batch fares as one alone."""

from typing import Any

import msgspec
import pytest

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import UpstreamCall, VendorState
from modelgate.core.records import TaskOutput
from modelgate.tasks.calls import CallAnswer, CallFailed

pytestmark = pytest.mark.anyio

DONE = VendorState(state="succeeded", outputs=(TaskOutput(kind="image", url="http://files.example/a.png"),))
RUNNING = VendorState(state="running", progress=50)


class Relay:
    """Answers polls of many jobs by what the test says of each; `fails` raises instead, `broken` cannot be read."""

    def __init__(self, world: Any) -> None:
        self.jobs: dict[str, VendorState] = {}
        self.asked: list[list[str]] = []
        self.fails = self.broken = False
        world.operation = msgspec.structs.replace(
            world.operation, encode_poll_many=self.encode, parse_poll_many=self.parse, max_poll_many=3
        )
        world.vendor.call = self.call

    def encode(self, ids: list[str]) -> UpstreamCall:
        return UpstreamCall(method="POST", path="/many", body=msgspec.json.encode(ids))

    def parse(self, status: int, body: bytes) -> dict[str, VendorState] | None:
        return msgspec.json.decode(body, type=dict[str, VendorState]) if status == 200 else None

    async def call(self, upstream: Any, credential: Any, call: UpstreamCall, **_: Any) -> CallAnswer:
        ids = msgspec.json.decode(call.body, type=list[str])
        self.asked.append(ids)
        if self.fails:
            raise CallFailed("cut", sent=True)
        known = {name: self.jobs[name] for name in ids if name in self.jobs}
        return CallAnswer(500 if self.broken else 200, HeaderBlock(), msgspec.json.encode(known))


async def running(world: Any, count: int, **changes: Any) -> list[Any]:
    for number in range(count):
        fields = {"state": "running", "upstream": "up_first", "credential": "cred_first", "vendor_task": f"job-{number}", **changes}
        await world.queue(f"task_000000000{number}", **fields)
    world.now += 1000
    return list(await world.store.claim_due(now=world.now, limit=99, lease_until=world.now + 300))


async def test_jobs_of_one_credential_are_asked_about_together_in_bounded_calls(world: Any) -> None:
    relay = Relay(world)
    relay.jobs = {f"job-{number}": RUNNING for number in range(7)}
    mover = world.life()
    batches = mover.batches(await running(world, 7))
    assert [len(batch) for batch in batches] == [3, 3, 1]

    for batch in batches[:2]:
        await mover.advance_many(batch)

    assert relay.asked == [["job-0", "job-1", "job-2"], ["job-3", "job-4", "job-5"]]
    tasks = [await world.stored(f"task_000000000{number}") for number in range(6)]
    assert {(task.state, task.progress) for task in tasks} == {("running", 50)}
    assert all(task.due_at > world.now for task in tasks)


async def test_each_job_of_an_answer_fares_by_its_own_word(world: Any) -> None:
    relay = Relay(world)
    relay.jobs = {"job-0": DONE, "job-1": VendorState(state="failed", error_code="generation_failed", error_message="no")}
    mover = world.life()
    (batch,) = mover.batches(await running(world, 3))
    await mover.advance_many(batch)

    first, second, third = [await world.stored(f"task_000000000{number}") for number in range(3)]
    assert (first.state, second.state, second.error_message) == ("succeeded", "failed", "no")
    assert (third.state, third.error_code, third.poll_errors) == ("running", "task_not_found", 1), "a list may lose a job for a while"
    assert world.store.charged == {first.id: first.amount_nanos, second.id: 0}


@pytest.mark.parametrize("trouble", ["fails", "broken"])
async def test_trouble_with_the_answer_ends_no_task(world: Any, trouble: str) -> None:
    relay = Relay(world)
    setattr(relay, trouble, True)
    mover = world.life()
    (batch,) = mover.batches(await running(world, 3))
    await mover.advance_many(batch)
    tasks = [await world.stored(f"task_000000000{number}") for number in range(3)]
    assert {(task.state, task.poll_errors) for task in tasks} == {("running", 1)}


async def test_what_cannot_be_asked_about_together_goes_alone(world: Any) -> None:
    Relay(world)
    mover = world.life()
    tasks = await running(world, 2)
    late = msgspec.structs.replace(tasks[0], deadline_at=world.now)
    queued = msgspec.structs.replace(tasks[1], state="queued")
    elsewhere = msgspec.structs.replace(tasks[1], upstream="up_gone")
    assert [len(batch) for batch in mover.batches([late, queued, elsewhere])] == [1, 1, 1]
    assert [len(batch) for batch in mover.batches([tasks[0], msgspec.structs.replace(tasks[1], credential="cred_other")])] == [1, 1]


async def test_a_fault_of_one_does_not_keep_the_others_from_being_written(world: Any) -> None:
    relay = Relay(world)
    relay.jobs = {f"job-{number}": RUNNING for number in range(3)}
    mover = world.life()
    (batch,) = mover.batches(await running(world, 3))
    save = world.store.save

    async def fail_once(task: Any, **about: Any) -> Any:
        if task.vendor_task == "job-1":
            raise OSError("disk")
        return await save(task, **about)

    world.store.save = fail_once
    with pytest.raises(OSError, match="disk"):
        await mover.advance_many(batch)
    assert (await world.stored("task_0000000002")).progress == 50
