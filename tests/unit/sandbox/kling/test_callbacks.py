import asyncio
import json
import socket
import threading

from modelgate.sandbox.kling.callbacks import MARGIN_S, Callbacks, post_json
from modelgate.sandbox.kling.jobs import PROCESSING_S, SUBMITTED_S, KlingTask
from modelgate.sandbox.kling.order import KlingOrder


def _task(url: str) -> KlingTask:
    order = KlingOrder(model="kling-v1", prompt="a fox", callback_url=url)
    return KlingTask(id="job", order=order, created_at=0, fails=False, slow=False)


async def _followed(task: KlingTask) -> tuple[list[float], list[tuple[str, bytes]]]:
    waits: list[float] = []
    told: list[tuple[str, bytes]] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    callbacks = Callbacks(sleep=sleep, post=lambda url, body: told.append((url, body)))
    callbacks.follow(task, lambda: b"%d" % len(told))
    for _ in range(100):
        await asyncio.sleep(0.005)
        if len(told) == 2:
            break
    return waits, told


def test_both_changes_are_told() -> None:
    waits, told = asyncio.run(_followed(_task("http://customer/hook")))
    assert waits == [SUBMITTED_S + MARGIN_S, PROCESSING_S + MARGIN_S]
    assert told == [("http://customer/hook", b"0"), ("http://customer/hook", b"1")]


def test_nobody_is_told_without_an_address() -> None:
    assert asyncio.run(_followed(_task(""))) == ([], [])


def test_the_post_arrives_and_trouble_is_nobodys() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                data = b""
                while b"}" not in data:
                    data += connection.recv(4_096)
                heard.append(data)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        listening = threading.Thread(target=answer)
        listening.start()
        port = server.getsockname()[1]
        post_json(f"http://127.0.0.1:{port}/hook?a=1", json.dumps({"task_id": "x"}).encode())
        listening.join(5)
    assert heard[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert b"content-type: application/json" in heard[0]
    post_json(f"http://127.0.0.1:{port}/hook", b"{}")  # nobody listens any more
    post_json("http://127.0.0.1:99999999/hook", b"{}")
    post_json("http:///hook", b"{}")
