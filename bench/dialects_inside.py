"""Our own code alone, dialect by dialect: `python -m bench.dialects_inside [--calls N --pair NAME]`.

Like `bench.inside`, and by its parts: everything but the sockets is real. All kinds of traffic take turns within one run, so that what
other programs do to the machine meets them alike; ratios are medians of the rounds' own ratios.
"""

import argparse
import cProfile
import gc
import pstats
import shutil
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

import uvloop

from bench.dialects import DIALECTS, TRAFFIC, TRANSLATED, Traffic, print_dialects, turns
from bench.inside import CLIENTS, SECRET, Inside, Wire
from bench.scenarios import CHUNKS
from modelgate.app.relay import COLLECT_AFTER_ALLOCATIONS
from modelgate.core.records import Credential, PriceRow, Snapshot, Upstream
from modelgate.edge.connection import Connection
from modelgate.gateway.configuration import Configuration
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers import load_providers

REQUESTS = 400
STREAMS = 32
ROUNDS = 30

_JSON_HEAD = "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 07:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def request_of(traffic: Traffic) -> bytes:
    """Return what a client writes."""
    client, model = traffic.pair.client, traffic.pair.upstream.model
    body = client.make_body(model, traffic.stream)
    lines = "".join(f"{name}: {value}\r\n" for name, value in client.headers(SECRET).items())
    path = client.path_for(model, stream=traffic.stream)
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def pieces_of(traffic: Traffic) -> list[bytes]:
    """Return what the upstream writes, one piece after another."""
    upstream = traffic.pair.upstream
    if not traffic.stream:
        return [_JSON_HEAD.format(len(upstream.answer)).encode() + upstream.answer]
    framed = [b"%x\r\n%b\r\n" % (len(event), event) for event in upstream.events]
    return [_STREAM_HEAD, *framed[:-1], framed[-1] + b"0\r\n\r\n"]


class UpstreamWire(Wire):
    """Answers whatever is written, one piece in each turn of the loop, and heeds being told to wait."""

    def __init__(self, bench: "DialectsInside") -> None:
        super().__init__(bench)
        self.todo: deque[bytes] = deque()
        self.is_paused = False
        self.is_going = False

    def write(self, data: bytes) -> None:
        self.todo.extend(self.bench.pieces)  # type: ignore[attr-defined]  # the one below
        self.go_on()

    def go_on(self) -> None:
        if self.todo and not self.is_paused and not self.is_going:
            self.is_going = True
            self.bench.loop.call_soon(self.say)

    def say(self) -> None:
        self.is_going = False
        if not self.is_paused and self.todo:
            self.protocol.data_received(self.todo.popleft())
            self.go_on()

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False
        self.go_on()


class ClientWire(Wire):
    """Asks again as soon as it has a whole answer."""

    def write(self, data: bytes) -> None:
        bench = self.bench
        assert isinstance(bench, DialectsInside)
        if data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200"):
            bench.bad = data
        if bench.is_streaming and not data.endswith(b"0\r\n\r\n"):
            return
        bench.done += 1
        if bench.asked < bench.wanted:
            bench.asked += 1
            bench.loop.call_soon(self.protocol.data_received, bench.request)
        elif bench.done == bench.wanted:
            bench.over.set_result(None)


class DialectsInside(Inside):
    """A relay's parts around fake sockets, with one upstream for each dialect."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pieces: list[bytes] = []
        self.is_streaming = False
        self.asked = 0
        self.clients = []
        for _ in range(CLIENTS):
            wire = ClientWire(self)
            wire.protocol = Connection(self.service, tls=False)
            wire.protocol.connection_made(wire)
            self.clients.append(wire.protocol)

    def configure(self) -> Configuration:
        """One upstream for each dialect, one price for its model."""
        upstreams = tuple(
            Upstream(
                id=f"up_{name}",
                name=name,
                provider=dialect.provider,
                base_url=f"http://127.0.0.1:{number}{dialect.base_path}",
                book="live",
                models={dialect.model: dialect.model},
                credentials=(Credential(id=f"cred_{name}", secret="sk-bench"),),
            )
            for number, (name, dialect) in enumerate(DIALECTS.items(), start=1)
        )
        rates = {"input": "1.25", "cached": "0.13", "output": "10"}
        prices = tuple(PriceRow(model=dialect.model, rates=rates) for dialect in DIALECTS.values())
        return Configuration(
            Snapshot(version=1, upstreams=upstreams, prices=prices, state_key=b"bench" * 8),
            providers=load_providers(),
            shipped=read_shipped_prices(),
            now=time.time(),
            proxy_for=lambda base_url: "",
            ca_file="",
        )

    async def connect(self, connection: Any) -> None:
        """Stand in for opening a socket to an upstream."""
        wire = UpstreamWire(self)
        wire.protocol = connection
        connection.connection_made(wire)

    async def measure(self, traffic: Traffic) -> float:
        """Serve one round of a kind of traffic; return CPU µs for each request, of streams for each chunk of the upstream."""
        self.request, self.pieces, self.is_streaming = request_of(traffic), pieces_of(traffic), traffic.stream
        self.asked = len(self.clients)
        each = await self.burst(STREAMS if traffic.stream else REQUESTS)
        if self.bad:
            sys.exit(f"{traffic.pair.name}: not every answer was good: {self.bad[:2000]!r}")
        return each / CHUNKS if traffic.stream else each


async def main(options: argparse.Namespace) -> None:
    """Warm up, then measure or profile."""
    folder = Path(tempfile.mkdtemp(prefix="modelgate-dialects-"))
    try:
        inside = DialectsInside(folder)
        for kind in TRAFFIC:
            await inside.measure(kind)
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER_ALLOCATIONS)  # as in a relay
        if options.calls:
            chosen = [kind for kind in TRAFFIC if kind.pair.name == options.pair and kind.stream == (not options.whole)]
            if not chosen:
                sys.exit("--pair is one of: " + ", ".join(sorted({repr(kind.pair.name) for kind in TRAFFIC})))
            await print_calls(inside, chosen[0], options.calls)
            return
        rounds = [{kind: await inside.measure(kind) for kind in turns(number)} for number in range(options.rounds)]
        print("own code, CPU µs per request (streams: per chunk), medians of rounds and of their ratios")
        print_dialects(rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def print_calls(inside: DialectsInside, kind: Traffic, count: int) -> None:
    """List the functions that cost most. The profiler makes everything two to three times as dear, calls most of all."""
    units = STREAMS * CHUNKS if kind.stream else REQUESTS
    profile = cProfile.Profile()
    profile.enable()
    await inside.measure(kind)
    profile.disable()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # typeshed has no word for it
    print(f"{sum(entry[1] for entry in stats.values()) / units:.1f} calls per {'chunk' if kind.stream else 'request'}")
    for (path, line, name), entry in sorted(stats.items(), key=lambda item: -item[1][2])[:count]:
        where = f"{path.rpartition('modelgate/')[2][-45:]}:{line}" if line else ""
        print(f"{entry[1] / units:7.2f} calls {entry[2] / units * 1e6:7.2f} own {entry[3] / units * 1e6:7.2f} with callees  {where} {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.dialects_inside", description="CPU of our own code, dialect by dialect.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="interleaved rounds; medians are taken")
    parser.add_argument("--calls", type=int, default=0, help="list so many functions of one pair, by cProfile")
    parser.add_argument("--pair", default=TRANSLATED[0].name, help="which pair, such as 'openai_chat > gemini_content'")
    parser.add_argument("--whole", action="store_true", help="whole answers instead of streams")
    uvloop.run(main(parser.parse_args()))
