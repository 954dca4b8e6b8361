"""One make-believe vendor alone, with jobs that never end: `python -m bench.tasks_sandbox VENDOR COUNT SOCKET`."""

import socket
import sys
import time

import uvloop
from starlette.applications import Starlette
from starlette.routing import Route

from modelgate.sandbox.count import Counter
from modelgate.sandbox.fal import FalSandbox
from modelgate.sandbox.fal.schema import FalJob
from modelgate.sandbox.server import make_server
from modelgate.sandbox.suno import SunoSandbox
from modelgate.sandbox.suno.schema import SunoOrder, SunoTask

FOREVER_S = 86_400.0


def job_id(index: int) -> str:
    """Return the vendor's name of a job; it begins as one in hex, as some vendors' do."""
    return f"{index:08x}-bench"


def routes_of(vendor: str, count: int) -> list[Route]:
    """Return a vendor's routes with so many running jobs."""
    now, counter = time.time() - 10, Counter()
    if vendor == "fal":
        jobs = [FalJob(id=job_id(index), created_at=now, working_s=FOREVER_S) for index in range(count)]
        return FalSandbox(counter=counter, clock=time.time, recalled=jobs).routes()
    order = SunoOrder(action="MUSIC", description="a song about the sea")
    tasks = [
        SunoTask(id=job_id(index), order=order, clips=(job_id(index) + "-1", job_id(index) + "-2"), created_at=now, working_s=FOREVER_S)
        for index in range(count)
    ]
    return SunoSandbox(counter=counter, clock=time.time, recalled=tasks).routes()


async def serve(vendor: str, count: int, path: str) -> None:
    """Serve until told to stop."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(1024)
    listening.setblocking(False)
    await make_server(Starlette(routes=list(routes_of(vendor, count)))).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
