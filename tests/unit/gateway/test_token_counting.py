"""Counting at the desk, asked over a real socket."""

import asyncio
from pathlib import Path

import pytest

from modelgate.gateway import token_counting
from modelgate.gateway.token_counting import TokenCounting, decode_texts, encode_counts
from modelgate.transport.client import Transport

pytestmark = pytest.mark.anyio


async def _asked(path: Path, answer: bytes, texts: list[str], *, status: int = 200) -> tuple[list[int] | None, list[str]]:
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        heard.extend(decode_texts(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (status, len(answer), answer))
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    transport = Transport()
    try:
        return await TokenCounting(transport=transport, socket=str(path)).count(texts), heard
    finally:
        await transport.close()
        server.close()


async def test_texts_go_out_and_counts_come_back(tmp_path: Path) -> None:
    assert await _asked(tmp_path / "s", encode_counts([3, 1]), ["ä b", "c"]) == ([3, 1], ["ä b", "c"])


@pytest.mark.parametrize(("answer", "status"), [(b"[1]", 200), (b"nonsense", 200), (b"[1,2]", 503)])
async def test_an_answer_that_is_none_is_no_count(tmp_path: Path, answer: bytes, status: int) -> None:
    counts, _ = await _asked(tmp_path / "s", answer, ["a", "b"], status=status)
    assert counts is None


async def test_without_a_desk_there_is_no_count(tmp_path: Path) -> None:
    transport = Transport()
    assert await TokenCounting(transport=transport, socket=str(tmp_path / "none")).count(["a"]) is None
    await transport.close()


async def test_too_much_text_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_counting, "MAX_COUNTED_BYTES", 10)
    counts, heard = await _asked(tmp_path / "s", b"[1]", ["x" * 20])
    assert (counts, heard) == (None, [])
