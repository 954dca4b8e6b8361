"""Vendors' calls, end to end: the make-believe ones call the desk by its public address, and a task ends long before its next poll."""

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.integration.app.test_desk import House, running_desk, running_sandbox

from modelgate.app.workshop import callback_key
from modelgate.core.providers import MediaOperation
from modelgate.core.records import Task, Upstream
from modelgate.gateway.callbacks import callback_url
from modelgate.sandbox.tokens import Tokenizer
from modelgate.storage.tasks import get_task

pytestmark = pytest.mark.anyio

SECRET = b"s" * 32  # as `running_desk` has it
PAUSE_S = 300.0
"""The polls are this far apart here."""
WAIT_S = 60.0


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A desk behind a port of this machine, as behind a relay, whose worker polls as good as never."""

    def pause_of(_upstream: Upstream, _operation: MediaOperation) -> float:
        return PAUSE_S

    monkeypatch.setattr("modelgate.tasks.follow.pause_of", pause_of)
    monkeypatch.setattr("modelgate.tasks.submit.pause_of", pause_of)
    house = House(tmp_path)
    listening = socket.create_server(("127.0.0.1", 0))
    house.settings = msgspec.structs.replace(house.settings, public_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    house.settings.run_path.mkdir(parents=True, exist_ok=True)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_unix_connection(house.settings.desk_socket)
        await asyncio.gather(_pipe(reader, theirs[1]), _pipe(theirs[0], writer))

    server = await asyncio.start_server(relay, sock=listening)
    async with running_sandbox(house.settings.sandbox_socket, Tokenizer()), running_desk(house):
        yield house
    server.close()
    await house.transport.close()
    house.database.close()


async def begun(house: House, model: str, operation: str, **asked: Any) -> str:
    body = msgspec.json.encode({"model": model, "operation": operation, "input": {"prompt": "a fox", **asked}})
    answer = await house.ask("POST", "/v1/tasks", body=body)
    assert answer.status == 200, answer
    return str(answer.json["id"])


def task_of(house: House, task_id: str) -> Task:
    task = house.database.read(get_task, task_id)
    assert task is not None
    return task


async def ended(house: House, task_id: str) -> Task:
    async with asyncio.timeout(WAIT_S):
        while True:
            task = task_of(house, task_id)
            if task.finished_at is not None:
                return task
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("model", "operation", "asked"),
    [
        ("pika-2.2", "video", {"seconds": 5}),
        ("kling-v1", "image", {}),
        ("kling-v1", "video", {}),
        ("mj_imagine", "image", {}),
        ("ray-2", "video", {"resolution": "540p"}),
    ],
)
async def test_a_task_ends_by_its_vendors_call(house: House, model: str, operation: str, asked: dict[str, Any]) -> None:
    task_id = await begun(house, model, operation, **asked)
    assert task_of(house, task_id).due_at > time.time() + PAUSE_S / 2

    task = await ended(house, task_id)

    assert task.state == "succeeded", task
    assert task.outputs[0].blob


async def test_a_failure_is_told_by_a_call_too(house: House) -> None:
    task = await ended(house, await begun(house, "pika-2.2", "video", prompt="a fox\nmagic: fail-task"))

    assert task.state == "failed"


async def test_a_forged_or_stale_call_wakes_nothing(house: House) -> None:
    task_id = await begun(house, "pika-2.2", "video", prompt="a fox\nmagic: slow-task")
    await asyncio.sleep(1.1)  # a task that was just written is not woken in any case
    before = task_of(house, task_id)
    path = callback_url(house.settings.public_url, callback_key(SECRET), task_id).removeprefix(house.settings.public_url)
    body, stranger = b'{"request_id": "r1", "status": "OK"}', Ed25519PrivateKey.generate()

    def headers(*, at: float) -> dict[str, str]:
        stamp = str(int(at))
        message = "\n".join(("r1", "user", stamp, hashlib.sha256(body).hexdigest())).encode()
        given = {"request_id": "r1", "user_id": "user", "timestamp": stamp, "signature": stranger.sign(message).hex()}
        return {f"x_fal_webhook_{name}": value for name, value in given.items()}

    for forged in ({}, headers(at=time.time()), headers(at=time.time() - 600)):
        answer = await house.ask("POST", path, body=body, secret="", **forged)
        assert answer.status == 404, answer

    await asyncio.sleep(1.5)
    assert task_of(house, task_id) == before
