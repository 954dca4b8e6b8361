"""A relay's money side without a gateway: the real journal, leases, meter and link, told what to do line by line.

    python relay_child.py SOCKET JOURNALS KEY_ID ACCOUNT [KILL_POINT]

Commands: `hold NANOS`, `capture NANOS` and `release` (the oldest open hold), `return` (all that is free), `close`. Each is
answered by one line. At the kill point the process sends itself SIGKILL, so that nothing is tidied up.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelgate.app.book_link import BookLink
from modelgate.core.errors import ModelgateError
from modelgate.core.records import ApiKey, RequestFacts
from modelgate.metering.leases import Leases
from modelgate.metering.messages import Ask, Hello, Return
from modelgate.metering.meter import Hold, Meter
from modelgate.storage import journal_writer
from modelgate.storage.journal import JournalBroken
from modelgate.storage.journal_writer import JournalWriter
from modelgate.transport.frames import FrameConnection

SEGMENT_RECORDS = 4
SENT_MESSAGES: dict[str, type] = {"hello sent": Hello, "ask sent": Ask, "return sent": Return}
COMMIT_POINTS = {
    "hold staged": ("hold", False),
    "hold committed": ("hold", True),
    "capture staged": ("capture", False),
    "capture committed": ("capture", True),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def around(owner: Any, name: str, *, dies_before: Callable[..., bool] | None = None, dies_after: Callable[..., bool] | None = None) -> None:
    """Have a function kill its process before or after it ran, when its arguments say so."""
    original = getattr(owner, name)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        is_last = dies_after is not None and dies_after(*args)  # asked first: afterwards the arguments may have changed
        if dies_before is not None and dies_before(*args):
            die()
        result = original(*args, **kwargs)
        if is_last:
            die()
        return result

    setattr(owner, name, replaced)


def arm(kill_point: str) -> None:
    """Prepare the death that was asked for."""
    if kill_point in SENT_MESSAGES:
        around(
            FrameConnection,
            "send",
            dies_after=lambda _, message: isinstance(message, SENT_MESSAGES[kill_point]) and not getattr(message, "round", 0),
        )
    elif kill_point in COMMIT_POINTS:
        kind, after = COMMIT_POINTS[kill_point]

        def is_due(journal: JournalWriter) -> bool:
            return any(record[1] == kind for record in journal._staged)

        around(JournalWriter, "commit", **{"dies_after" if after else "dies_before": is_due})
    elif kill_point == "locked, not renamed":
        around(Path, "rename", dies_before=lambda path, _: path.is_dir())
    elif kill_point == "renamed, no hello":
        around(Path, "rename", dies_after=lambda path, _: path.is_dir())
    elif kill_point == "old segment closed, new not made":
        around(Path, "rename", dies_before=lambda path, _: path.name == journal_writer.NEXT_NAME)
    elif kill_point == "between two deletions":
        around(Path, "unlink", dies_after=lambda path: path.stem.isdecimal() and path.suffix == ".log")
        JournalWriter.prune_now, JournalWriter.prune = JournalWriter.prune, lambda *_: 0  # type: ignore[attr-defined]
    else:
        assert kill_point in ("", "upstream answering"), kill_point


class Child:
    def __init__(self, socket_path: str, journals: str, key_id: str, account: str) -> None:
        self.key = ApiKey(id=key_id, account=account, book="live", name="k", digest="", hint="")
        self.journal = journal = JournalWriter.create(Path(journals), segment_records=SEGMENT_RECORDS)
        self.leases = Leases(clock=time.time)
        self.meter = Meter(
            journal=journal, leases=self.leases, clock=time.time, on_broken=lambda error: sys.exit(str(error)), broken_by=JournalBroken
        )
        self.link = BookLink(
            Path(socket_path),
            incarnation=journal.incarnation,
            leases=self.leases,
            meter=self.meter,
            on_snapshot=lambda snapshot: None,
            on_keys_changed=lambda keys: None,
            on_fenced=lambda: sys.exit("fenced"),
        )
        self.holds: list[Hold] = []

    def facts(self) -> RequestFacts:
        return RequestFacts(request_id="req_1", account=self.key.account, key=self.key.id, book="live", endpoint="chat", model="m", at_ms=1)

    async def obey(self, command: str, *numbers: str) -> str:
        amount = int(numbers[0]) if numbers else 0
        match command:
            case "hold":
                hold = await self.meter.open_hold(key=self.key, period="all", period_ends_at=None, amount_nanos=amount, request_id="req_1")
                self.holds.append(hold)
                return f"held {hold.seq}"
            case "capture":
                await self.resolve(lambda hold, done: self.meter.capture(hold, amount_nanos=amount, facts=self.facts(), committed=done))
                return f"captured {amount}"
            case "release":
                await self.resolve(lambda hold, done: self.meter.release(hold, facts=self.facts(), committed=done))
                return "released"
            case "return":
                self.leases.return_all()
                if hasattr(self.journal, "prune_now"):  # dies in here, at a moment that does not depend on when the book posts
                    while self.leases.posted_seq < self.journal.last_seq:  # noqa: ASYNC110  # news comes by the link
                        await asyncio.sleep(0.01)
                    self.journal.prune_now(self.leases.posted_seq)
                return "returned"
            case "close":
                is_posted = await self.meter.close()
                await self.link.close()
                return "closed" if is_posted else "closed, not all posted"
        raise AssertionError(command)

    async def resolve(self, action: Callable[[Hold, Callable[[], None]], None]) -> None:
        committed = asyncio.Event()
        action(self.holds.pop(0), committed.set)
        await committed.wait()


async def main(arguments: list[str]) -> None:
    kill_point = arguments[4] if len(arguments) > 4 else ""
    arm(kill_point)
    child = Child(*arguments[:4])
    child.link.start()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("born", flush=True)
    while line := (await reader.readline()).decode().split():
        try:
            answer = await child.obey(*line)
        except ModelgateError as error:
            answer = type(error).__name__
        print(answer, flush=True)
        if answer.startswith("closed"):
            return


if __name__ == "__main__":
    # Not uvloop: it writes at the end of a loop turn, and "sent" has to mean that the bytes are in the socket.
    asyncio.run(main(sys.argv[1:]))
