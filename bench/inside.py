"""Our own code alone: the relay's way of a chat between fake sockets. Run as `python -m bench.inside [--calls N | --rooms]`.

Everything but the sockets is real: edge, gateway, metering with its journal, transport. What is left out is the kernel's part and
the event loop's reads and writes. The number hardly moves when the machine is busy with other things, so it is the one to look at
while making a change; `python -m bench` has the last word.
"""

import argparse
import asyncio
import collections
import cProfile
import gc
import os
import pstats
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop

from bench.scenarios import CHAT, chat_answer
from modelgate.app.relay import COLLECT_AFTER_ALLOCATIONS
from modelgate.app.relay_router import RelayRouter
from modelgate.core.clock import system_clock
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Upstream
from modelgate.edge.connection import Connection
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.service import Service
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.gateway.call import CallDesk
from modelgate.gateway.calls import CallGateway
from modelgate.gateway.chat import chat_kinds
from modelgate.gateway.chat_inputs import FetchedImages
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.usual_calls import UsualCalls
from modelgate.identity.table import KeyTable
from modelgate.metering.leases import Leases
from modelgate.metering.messages import Ask, Granted, LeaseTotals, ToBook, Totals
from modelgate.metering.meter import Meter
from modelgate.metering.price_list import read_shipped_prices
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.routing.health import Health
from modelgate.storage.journal import JournalBroken
from modelgate.storage.journal_writer import JournalWriter
from modelgate.telemetry.metrics import Metrics
from modelgate.transport import client
from modelgate.transport.client import Transport
from modelgate.transport.guard import GuardedFetcher

CLIENTS = 16
BURST = 1000
BURSTS = 48
LENGTHS = 7
SAMPLE_S = 0.004
MUCH = 10**17
SECRET = "sk-live-" + "0" * 40


class Wire:
    """A socket's transport that goes nowhere."""

    def __init__(self, bench: "Inside") -> None:
        self.bench = bench
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class UpstreamWire(Wire):
    """Answers whatever is written."""

    def write(self, data: bytes) -> None:
        self.bench.loop.call_soon(self.protocol.data_received, self.bench.answer)


class ClientWire(Wire):
    """Asks again as soon as it has an answer."""

    def write(self, data: bytes) -> None:
        bench = self.bench
        bench.done += 1
        if not data.startswith(b"HTTP/1.1 200"):
            bench.bad = data
        if bench.done < bench.wanted:
            request = bench.others[bench.done % len(bench.others)] if bench.others else bench.request
            bench.loop.call_soon(self.protocol.data_received, request)
        elif not bench.over.done():
            bench.over.set_result(None)


class Inside:
    """A relay's parts, put together around fake sockets."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self.loop.create_future()
        self.done = self.wanted = 0
        self.bad = b""
        body, answer = CHAT.body(), chat_answer(CHAT.model, CHAT.answer_bytes)
        self.request = request_with(body)
        self.others: list[bytes] = []
        """What is asked in turn in place of `request`, if anything."""
        self.answer = (
            f"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 07:00:00 GMT\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(answer)}\r\nConnection: keep-alive\r\n\r\n"
        ).encode() + answer
        self.leases = Leases(clock=system_clock)
        self.journal = JournalWriter.create(folder / "journal", incarnation="inc_bench", synchronous="NORMAL")
        meter = Meter(journal=self.journal, leases=self.leases, clock=system_clock, on_broken=print, broken_by=JournalBroken)
        meter.start()
        self.leases.connected(self.lend, incarnation="inc_bench", node="bench")
        self.leases.on_message(Totals(0))
        desk = CallDesk(meter=meter, rates=RateCounters(folder / "rates", writer=0, writers=2), metrics=Metrics(), clock=system_clock)
        configuration, transport, keys = self.configure(), Transport(), KeyTable(self.look_up)
        client.Pool._connect = self.connect  # type: ignore[method-assign,assignment]
        shared: dict[str, Any] = {"keys": keys, "desk": desk, "transport": transport, "health": Health()}
        calls = CallGateway(**shared, configuration=lambda: configuration, log_fault=lambda fault, request_id: give_up(fault))
        kinds = chat_kinds(load_wire_formats(), images=FetchedImages(GuardedFetcher(transport)))
        unused: Any = None  # by chats
        router = RelayRouter(
            calls=calls,
            kinds=kinds,
            free=unused,
            images=unused,
            models=unused,
            passage=unused,
            processes_path=folder / "processes",
            health=dict,
        )
        usual = UsualCalls(calls, kinds=kinds, **shared)
        usual.configuration = configuration
        self.service = Service(
            router.handle,
            begin=usual.begin,
            render_error=render_error,
            log_fault=lambda fault, path, request_id: give_up(fault),
            limits=EdgeLimits(),
            clock=system_clock,
            trusted_proxies=(),
            cors=True,
        )
        self.clients = []
        for _ in range(CLIENTS):
            wire = ClientWire(self)
            wire.protocol = Connection(self.service, tls=False)
            wire.protocol.connection_made(wire)
            self.clients.append(wire.protocol)

    def configure(self) -> Configuration:
        """One upstream, one price."""
        upstream = Upstream(
            id="up_bench",
            name="bench",
            provider="openai",
            base_url="http://127.0.0.1:1/v1",
            book="live",
            models={CHAT.model: CHAT.model},
            credentials=(Credential(id="cred_bench", secret="sk-bench"),),
        )
        price = PriceRow(model=CHAT.model, rates={"input": "1.25", "cached": "0.13", "output": "10"})
        return Configuration(
            Snapshot(version=1, upstreams=(upstream,), prices=(price,)),
            providers=load_providers(),
            shipped=read_shipped_prices(),
            now=time.time(),
            proxy_for=lambda base_url: "",
            ca_file="",
        )

    def lend(self, message: ToBook) -> None:
        """Be a book that never says no."""
        if isinstance(message, Ask):
            totals = LeaseTotals(message.key, message.period, MUCH, 0)
            self.loop.call_soon(self.leases.on_message, Granted(message.n, self.leases.posted_seq, (totals,)))

    async def look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        """Know one key, with limits."""
        key = ApiKey(
            id="key_bench", account="acct_bench", book="live", name="bench", digest=digest, hint="", rpm=1_000_000_000, tpm=1_000_000_000
        )
        return key, "once", None

    async def connect(self, connection: Any) -> None:
        """Stand in for opening a socket to the upstream."""
        wire = UpstreamWire(self)
        wire.protocol = connection
        connection.connection_made(wire)

    async def burst(self, requests: int) -> float:
        """Serve so many requests; return CPU µs for each."""
        self.over, self.done, self.wanted = self.loop.create_future(), 0, requests
        for protocol in self.clients:
            self.loop.call_soon(protocol.data_received, self.request)
        before = time.process_time()
        await self.over
        used = time.process_time() - before
        await asyncio.sleep(0.02)
        self.leases.posted_seq = self.journal.committed_seq
        self.journal.prune(self.journal.committed_seq)
        return used / requests * 1e6


def request_with(body: bytes) -> bytes:
    """Return a chat as it comes from a client."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def give_up(fault: BaseException) -> None:
    """One fault is enough: the other requests would say the same."""
    traceback.print_exception(fault)
    os._exit(1)


def render_error(error: ModelgateError, path: str, request_id: str) -> HttpResponse:
    """Show what went wrong."""
    return HttpResponse(status=error.status, headers=HeaderBlock(), body=error.message.encode())


async def main(options: argparse.Namespace) -> None:
    """Warm up, then measure or profile."""
    folder = Path(tempfile.mkdtemp(prefix="modelgate-inside-"))
    try:
        inside = Inside(folder)
        if options.differ:
            inside.others = [request_with(CHAT.body() + b" " * more) for more in range(LENGTHS)]
        await inside.burst(CLIENTS)
        inside.bad = b""
        await inside.burst(BURST)
        if inside.bad:
            sys.exit(f"inside: not every answer was good: {inside.bad[:2000]!r}")
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER_ALLOCATIONS)  # as in a relay
        if options.once:
            return
        if options.calls:
            await print_calls(inside, options.calls)
        elif options.rooms:
            await print_rooms(inside)
        else:
            times = sorted([await inside.burst(BURST) for _ in range(BURSTS)])
            print(f"own code, CPU µs per request: least {times[0]:.1f}, median {times[BURSTS // 2]:.1f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def print_calls(inside: Inside, count: int) -> None:
    """List the functions that cost most. The profiler makes everything two to three times as dear, calls most of all."""
    profile = cProfile.Profile()
    profile.enable()
    await inside.burst(BURST)
    profile.disable()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # typeshed has no word for it
    print(f"{sum(entry[1] for entry in stats.values()) / BURST:.0f} calls per request")
    for (path, line, name), entry in sorted(stats.items(), key=lambda item: -item[1][2])[:count]:
        where = f"{path.rpartition('modelgate/')[2][-45:]}:{line}" if line else ""
        print(f"{entry[1] / BURST:7.2f} calls {entry[2] / BURST * 1e6:7.2f} own {entry[3] / BURST * 1e6:7.2f} with callees  {where} {name}")


async def print_rooms(inside: Inside) -> None:
    """Divide the time among the rooms, by samples: what C code takes belongs to the line of ours that called it."""
    samples: collections.Counter[str] = collections.Counter()

    def sample(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            _, found, rest = frame.f_code.co_filename.rpartition("/modelgate/")
            if found:
                samples[rest.partition("/")[0]] += 1
                return
            frame = frame.f_back
        samples["(event loop)"] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
    times = [await inside.burst(BURST) for _ in range(2 * BURSTS)]
    signal.setitimer(signal.ITIMER_PROF, 0)
    each = sorted(times)[len(times) // 2]
    for room, count in samples.most_common():
        print(f"{room:14}{count / samples.total() * each:6.1f} µs")
    print(f"{'all':14}{each:6.1f} µs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description="CPU of our own code per chat.")
    parser.add_argument("--calls", type=int, default=0, help="list so many functions, by cProfile")
    parser.add_argument("--differ", action="store_true", help="requests of different lengths, as they are in life")
    parser.add_argument("--rooms", action="store_true", help="divide among the rooms, by samples")
    parser.add_argument("--once", action="store_true", help="only see that it runs")
    uvloop.run(main(parser.parse_args()))
