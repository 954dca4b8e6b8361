"""Sending webhooks: signed as published, repeated within bounds, never an older state after a newer one, whatever is killed."""

import asyncio
import base64
import hashlib
import hmac
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.http import HeaderBlock
from modelgate.core.records import Delivery, Task
from modelgate.tasks import webhooks
from modelgate.tasks.webhooks import LEASE_S, MAX_SENDING, MAX_TRIES, WebhookSender, pause_s, render_secret, signature_headers
from modelgate.transport.errors import ConnectFailed, TimedOut
from modelgate.transport.guard import UrlRefused

pytestmark = pytest.mark.anyio

URL = "https://caller.example/hook"
KEY = b"k" * 32

_spec = importlib.util.spec_from_file_location("webhook_store_twin", Path(__file__).parents[2] / "twins" / "webhook_store.py")
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)


class Killed(BaseException):
    """The process ends here."""


class Mailbox:
    """The caller's server: gives `answers` in turn, then 200, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[int | Exception] = []
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.at_point: Callable[[str], None] = lambda point: None
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = 0
        self.most_at_once = 0

    async def post(self, url: str, *, headers: HeaderBlock, body: bytes, timeout_s: float) -> int:
        assert url == URL
        assert timeout_s == webhooks.SEND_TIMEOUT_S == 10.0
        self.at_point("before post")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.open.wait()
        self.at_once -= 1
        pairs = {name.decode(): value.decode() for name, value in headers.items()}
        check_signature(render_secret(KEY), pairs, body)
        self.got.append((pairs["webhook-id"], pairs, msgspec.json.decode(body)))
        self.at_point("after post")
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def states(self) -> list[str]:
        return [body["state"] for _, _, body in self.got]


def check_signature(secret: str, headers: dict[str, str], body: bytes) -> None:
    """What the published scheme tells receivers to do, in its own words: base64(HMAC-SHA256(key, id.timestamp.payload))."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :])
    assert 24 <= len(key) <= 64
    content = headers["webhook-id"] + "." + headers["webhook-timestamp"] + "." + body.decode()
    expected = "v1," + base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    assert expected in headers["webhook-signature"].split(" ")


class Post:
    """The world of tasks, a mailbox, and a sender."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.store = _twin.MemoryWebhookStore(world.store)
        self.mailbox = Mailbox()
        self.counted: list[str] = []
        self.faults: list[tuple[BaseException, str]] = []

    def sender(self, **changes: Any) -> WebhookSender:
        about = {
            "tasks": self.world.store, "post": self.mailbox.post, "encode": encode, "key_of": lambda account: KEY, "clock": self.world.clock,
            "log_fault": lambda error, delivery_id: self.faults.append((error, delivery_id)), "count": self.counted.append, "draw": lambda: 0.0,
        }  # fmt: skip
        return WebhookSender(self.store, **(about | changes))

    async def bring(self, *states: str, name: str = "task_a", **changes: Any) -> None:
        if name not in self.world.store.rows:
            await self.world.queue(name, callback_url=URL, amount_nanos=0, **changes)
        for state in states:
            task = await self.world.stored(name)
            changed = msgspec.structs.replace(task, state=state, updated_at=self.world.now)
            if state in ("succeeded", "failed", "canceled", "expired"):
                assert await self.world.store.finish(msgspec.structs.replace(changed, finished_at=self.world.now), captured_nanos=0)
            else:
                assert await self.world.store.save(changed)

    async def one_round(self, sender: WebhookSender) -> list[Delivery]:
        now = self.world.now
        claimed: list[Delivery] = await self.store.claim_due(now=now, limit=10, lease_until=now + LEASE_S)
        for delivery in claimed:
            await sender.deliver(delivery)
        return claimed

    async def newest(self) -> Delivery:
        found: list[Delivery] = await self.store.list_of("task_a")
        return found[0]


def encode(task: Task) -> bytes:
    return msgspec.json.encode({"id": task.id, "state": task.state})


async def eventually(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if check():
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def post(world: Any) -> Post:
    return Post(world)


def test_the_published_example() -> None:
    """The example of the Standard Webhooks specification's own libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = dict(signature_headers(key, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'))
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_a_change_is_told_with_what_a_fetch_would_answer(post: Post) -> None:
    await post.bring("running")
    await post.one_round(post.sender())
    ((name, headers, body),) = post.mailbox.got
    assert body == {"id": "task_a", "state": "running"}
    assert headers["content-type"] == "application/json"
    assert headers["webhook-timestamp"] == str(int(post.world.now))
    done = await post.newest()
    assert (done.id, done.state, done.attempts, done.answer_status, done.ended_at) == (name, "delivered", 1, 200, post.world.now)
    assert post.counted == ["delivered"]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (500, 500, "the address answered with status 500"),
        (302, 302, "the address answered with status 302"),
        (400, 400, "the address answered with status 400"),
        (TimedOut("10.1.2.3: slow", phase="head"), 0, "no answer in time"),
        (ConnectFailed("10.1.2.3: refused"), 0, "no connection to the address"),
    ],
)
async def test_what_is_not_taken_is_tried_again(post: Post, answer: int | Exception, status: int, error: str) -> None:
    await post.bring("running")
    post.mailbox.answers = [answer]
    await post.one_round(post.sender())
    tried = await post.newest()
    assert (tried.state, tried.answer_status, tried.error, tried.ended_at) == ("pending", status, error, None)
    assert tried.due_at == post.world.now + 30

    assert await post.one_round(post.sender()) == []
    post.world.now += 30
    await post.one_round(post.sender())
    assert (await post.newest()).state == "delivered"
    assert len({name for name, _, _ in post.mailbox.got}) == 1, "every try has the same id"
    assert post.counted == ["pending", "delivered"]


async def test_it_is_given_up_after_so_many_tries(post: Post) -> None:
    await post.bring("running")
    post.mailbox.answers = [500] * 100
    began = post.world.now
    pauses = []
    for _ in range(MAX_TRIES):
        assert len(await post.one_round(post.sender())) == 1
        pauses.append((await post.newest()).due_at - post.world.now)
        post.world.now = (await post.newest()).due_at
    assert pauses[:8] == [30, 60, 120, 240, 480, 960, 1800, 1800]
    assert pauses[-1] == 0
    assert (await post.newest()).state == "failed"
    assert 5 * 3600 <= post.world.now - began <= 7 * 3600
    assert await post.store.next_due() is None
    assert post.counted[-1] == "failed"


@pytest.mark.parametrize("attempts", range(1, MAX_TRIES + 1))
@pytest.mark.parametrize("drawn", [0.0, 0.5, 1.0])
def test_pauses_stay_within_their_bounds(attempts: int, drawn: float) -> None:
    whole = min(30.0 * 2 ** (attempts - 1), 1_800.0)
    assert whole * 0.8 <= pause_s(attempts, drawn=drawn) <= whole


async def test_410_ends_it(post: Post) -> None:
    await post.bring("running")
    post.mailbox.answers = [410]
    await post.one_round(post.sender())
    assert (await post.newest()).state == "gone"
    await post.bring("succeeded")
    assert await post.store.next_due() is None


async def test_an_address_that_is_refused_is_not_tried_again(post: Post) -> None:
    await post.bring("running")
    post.mailbox.answers = [UrlRefused("the URL leads to an address that is not a public one")]
    await post.one_round(post.sender())
    refused = await post.newest()
    assert (refused.state, refused.error) == ("failed", "the URL leads to an address that is not a public one")


async def test_what_became_stale_between_claim_and_try_is_skipped(post: Post) -> None:
    await post.bring("running")
    (claimed,) = await post.store.claim_due(now=post.world.now, limit=10, lease_until=post.world.now + LEASE_S)
    await post.bring("succeeded")
    await post.sender().deliver(claimed)
    assert post.mailbox.got == []
    post.world.now += 1
    await post.one_round(post.sender())
    assert post.mailbox.states == ["succeeded"]
    assert [one.state for one in await post.store.list_of("task_a")] == ["delivered", "skipped"]


async def test_an_older_state_that_failed_is_not_sent_after_a_newer_one(post: Post) -> None:
    await post.bring("running")
    post.mailbox.answers = [500]
    await post.one_round(post.sender())
    await post.bring("succeeded")
    await post.one_round(post.sender())
    post.world.now += 10_000
    await post.one_round(post.sender())
    assert post.mailbox.states == ["running", "succeeded"]


POINTS = ("before claim", "after claim", "before post", "after post", "before settle", "after settle")


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_any_point_loses_no_delivery(post: Post, point: str) -> None:
    await post.bring("running", "succeeded")
    armed = [point]

    def die(here: str) -> None:
        if armed and here == armed[0]:
            armed.clear()
            raise Killed(here)

    post.store.at_point = post.mailbox.at_point = die
    with pytest.raises(Killed):
        await post.one_round(post.sender())
    for _ in range(3):
        post.world.now += LEASE_S
        await post.one_round(post.sender())
    assert [one.state for one in await post.store.list_of("task_a")] == ["delivered", "skipped"]
    assert 1 <= len(post.mailbox.got) <= 2
    assert len(post.mailbox.got) == (2 if point in ("after post", "before settle") else 1)


@pytest.mark.parametrize("point", ["before running", "after running", "before succeeded", "after succeeded"])
async def test_a_kill_around_the_change_itself_leaves_both_or_neither(post: Post, point: str) -> None:
    def die(here: str) -> None:
        if here == point:
            raise Killed(here)

    await post.bring()
    post.world.store.at_point = die
    with pytest.raises(Killed):
        await post.bring("running", "succeeded")
    task = await post.world.stored("task_a")
    told = [one.task_state for one in await post.store.list_of("task_a")]
    assert told == {"queued": [], "running": ["running"], "succeeded": ["succeeded", "running"]}[task.state]


async def test_what_kills_its_process_each_time_is_given_up(post: Post) -> None:
    await post.bring("running")
    name = (await post.newest()).id
    post.store.rows[name] = msgspec.structs.replace(post.store.rows[name], attempts=MAX_TRIES)
    await post.one_round(post.sender())
    assert (await post.newest()).state == "failed"
    assert post.mailbox.got == []


async def test_the_loop_sends_what_is_due_and_comes_to_an_end(post: Post) -> None:
    for number in range(6):
        await post.bring("running", name=f"task_{number}", account=f"acct_{number}")
    stop = asyncio.Event()
    running = asyncio.create_task(post.sender().run(stop))
    await eventually(lambda: len(post.mailbox.got) == 6)
    stop.set()
    await asyncio.wait_for(running, 30)
    assert post.counted == ["delivered"] * 6


async def test_no_more_than_so_many_are_under_way_at_once(post: Post) -> None:
    for number in range(MAX_SENDING + 5):
        await post.bring("running", name=f"task_{number}", account=f"acct_{number}")
    post.mailbox.open.clear()
    stop = asyncio.Event()
    running = asyncio.create_task(post.sender().run(stop))
    await eventually(lambda: post.mailbox.at_once == MAX_SENDING)
    await asyncio.sleep(0.2)
    assert post.mailbox.most_at_once == MAX_SENDING
    post.mailbox.open.set()
    await eventually(lambda: len(post.mailbox.got) == MAX_SENDING + 5)
    stop.set()
    await asyncio.wait_for(running, 30)


async def test_a_fault_of_ours_is_not_the_end_of_the_loop(post: Post) -> None:
    await post.bring("running", name="task_bad", account="acct_bad")
    await post.bring("running")

    def encode_or_fail(task: Task) -> bytes:
        if task.id == "task_bad":
            raise KeyError(task.family)
        return encode(task)

    stop = asyncio.Event()
    running = asyncio.create_task(post.sender(encode=encode_or_fail).run(stop))
    await eventually(lambda: bool(post.mailbox.got))
    stop.set()
    await asyncio.wait_for(running, 30)
    assert post.mailbox.states == ["running"]
    assert post.world.store.deliveries["hook_bad_1"].state == "sending", "tried again when its lease is over"
