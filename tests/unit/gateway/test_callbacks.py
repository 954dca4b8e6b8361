"""Calls from vendors: a token opens, and a signature where the vendor signs; nothing else does, and what is said is not read."""

import pytest

from modelgate.core.errors import MethodNotAllowed, ModelgateError, Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import Task
from modelgate.gateway.callbacks import MAX_PER_S, VendorCallbacks, callback_token, callback_url

pytestmark = pytest.mark.anyio

KEY = b"k" * 32
TASK = "task_4fK2mQpX7cVbN1sLr8YwZd"
TASK_THERE = Task(
    id=TASK, account="a", key="k", book="test", family="pika", operation="video", model="m", state="running", request=b"{}", upstream="up_1"
)


class Store:
    """Knows one task."""

    def __init__(self) -> None:
        self.woken: list[tuple[str, float]] = []

    async def get(self, task_id: str) -> Task | None:
        return TASK_THERE if task_id == TASK else None

    async def wake(self, task_id: str, *, now: float) -> bool:
        self.woken.append((task_id, now))
        return task_id == TASK


class Proofs:
    """Takes a call for its vendor's unless told otherwise."""

    def __init__(self) -> None:
        self.checked: list[tuple[str, bytes | None, bytes]] = []
        self.error: ModelgateError | None = None

    async def check(self, task: Task, headers: HeaderBlock, body: bytes | bytearray) -> None:
        self.checked.append((task.id, headers.get(b"x-signature"), bytes(body)))
        if self.error is not None:
            raise self.error


class House:
    def __init__(self) -> None:
        self.now = 5_000.0
        self.store, self.proofs, self.kicks = Store(), Proofs(), 0
        self.callbacks = VendorCallbacks(self.store, secret=KEY, clock=lambda: self.now, proofs=self.proofs, kick=self.kick)

    def kick(self) -> None:
        self.kicks += 1

    async def call(self, path: str, *, method: str = "POST") -> int:
        request = HttpRequest(method=method, path=path, headers=HeaderBlock.of(("x-signature", "s")), body=b'{"status":"COMPLETED"}')
        response = await self.callbacks.handle(request)
        assert response.body == b'{"heard":true}'
        return response.status


@pytest.fixture
def house() -> House:
    return House()


def test_an_address_is_given_only_where_vendors_can_reach_us() -> None:
    assert callback_url("", KEY, TASK) == ""
    url = callback_url("https://gateway.example/", KEY, TASK)
    assert url == f"https://gateway.example/callbacks/{TASK}/{callback_token(KEY, TASK)}"
    assert len(callback_token(KEY, TASK)) == 32
    assert callback_token(b"x" * 32, TASK) != callback_token(KEY, TASK) != callback_token(KEY, TASK + "x")


async def test_a_call_wakes_the_task(house: House) -> None:
    path = callback_url("https://gateway.example", KEY, TASK).removeprefix("https://gateway.example")
    assert await house.call(path) == 200
    assert house.store.woken == [(TASK, 5_000.0)]
    assert house.proofs.checked == [(TASK, b"s", b'{"status":"COMPLETED"}')]
    assert house.kicks == 1


@pytest.mark.parametrize("error", [UnknownPath(), Overloaded()])
async def test_a_call_that_is_not_proved_wakes_nothing(house: House, error: ModelgateError) -> None:
    house.proofs.error = error
    with pytest.raises(type(error)):
        await house.call(f"/callbacks/{TASK}/{callback_token(KEY, TASK)}")
    assert (house.store.woken, house.kicks) == ([], 0)


@pytest.mark.parametrize(
    "path",
    [
        f"/callbacks/{TASK}/",
        f"/callbacks/{TASK}/{'0' * 32}",
        f"/callbacks/{TASK}/\xe9",
        f"/callbacks/task_other/{callback_token(KEY, TASK)}",
        f"/callbacks/{TASK}/{callback_token(KEY, TASK)}/",
        f"/callbacks/{TASK}/{callback_token(KEY, TASK).upper()}",
    ],
)
async def test_without_its_token_nothing_is_asked_of_the_store(house: House, path: str) -> None:
    with pytest.raises(UnknownPath):
        await house.call(path)
    assert (house.store.woken, house.proofs.checked) == ([], [])


async def test_a_task_that_is_not_there(house: House) -> None:
    with pytest.raises(UnknownPath):
        await house.call(f"/callbacks/task_other/{callback_token(KEY, 'task_other')}")


async def test_another_method(house: House) -> None:
    with pytest.raises(MethodNotAllowed):
        await house.call(f"/callbacks/{TASK}/{callback_token(KEY, TASK)}", method="GET")


async def test_there_are_no_more_than_so_many_in_a_second(house: House) -> None:
    path = f"/callbacks/{TASK}/{callback_token(KEY, TASK)}"
    for _ in range(MAX_PER_S):
        await house.call(path)
    with pytest.raises(Overloaded):
        await house.call(path)
    assert len(house.store.woken) == MAX_PER_S
    house.now += 1
    assert await house.call(path) == 200
