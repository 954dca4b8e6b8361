"""The sandbox on a real port, and the official OpenAI clients pointed at it."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator

import openai
import pytest
import uvloop

from modelgate.sandbox.server import make_app, make_server
from modelgate.sandbox.tokens import Tokenizer


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    server = make_server(make_app(tokenizer=Tokenizer()), on_ready=ready.set)
    thread = threading.Thread(target=lambda: uvloop.run(server.serve(sockets=[listening])))
    thread.start()
    assert ready.wait(60)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(60)
    listening.close()


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{base_url}/openai/v1", api_key="sk-sandbox", max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def async_client(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key="sk-sandbox", max_retries=0, timeout=60) as made:
        yield made
