"""A whole installation in processes of its own, and a small HTTP client that tells exactly how far an answer came."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import select

from modelgate.app.processes import Processes, read_processes
from modelgate.app.settings import Settings
from modelgate.core.ids import new_id, new_secret
from modelgate.core.records import ApiKey
from modelgate.identity.keys import digest_of, hint_of
from modelgate.storage import identity, ledger
from modelgate.storage.audit import AuditReport, audit
from modelgate.storage.database import Database
from modelgate.storage.migrations import prepare
from modelgate.storage.schema.tasks import task

WAIT_S = 120.0
"""How long a start or a stop may take on a slow machine; nothing waits for it when all is well."""
TASKS_S = WAIT_S + 84.0
"""How long tasks may take to end. A submit that was killed before the vendor heard of it counts as not taken after four look-ups, the last
10 + 20 + 40 s after the first and a fifth later at most: longer than any start."""
LEAVE_S = 0.02
"""How long a client stays that waits for no byte of the answer."""
CHAT = "/v1/chat/completions"


class Answer(msgspec.Struct):
    """What a client saw of an answer. `whole`: all of it came, to the last byte; `request_id` is the gateway's.

    `replayed`: it is the stored answer of an earlier request.
    """

    status: int = 0
    request_id: str = ""
    body: bytes = b""
    whole: bool = False
    replayed: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Installation:
    """`modelgate serve` on a data directory, with its database prepared and opened beside it."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        self.settings = Settings(data=str(folder / "data"), workers=workers)
        self._log = (folder / "serve.log").open("ab")
        Path(self.settings.data).mkdir(mode=0o700)
        prepare(self.settings.database_url)
        self.database = Database(self.settings.database_url)
        self._process: subprocess.Popen[bytes] | None = None
        self._address: tuple[str, int] | None = None

    def start(self) -> None:
        """Start everything and wait until every process serves."""
        self.settings.processes_path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "modelgate", "serve", "--port", "0", "--data", self.settings.data]
        command += ["--workers", str(self.settings.workers), "--drain-s", "5"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELGATE_")}
        self._address = None
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until every process serves."""
        until(self.is_ready)

    def wait_for_tasks(self) -> None:
        """Wait until every media task has ended. A TimeoutError says how those stand that have not."""
        stand = select(
            task.c.id, task.c.state, task.c.error_code, task.c.poll_errors, task.c.lease_owner, task.c.updated_at, task.c.wake_at
        )

        def unfinished() -> list[Any]:
            return self.database.read(lambda connection: list(connection.execute(stand.where(task.c.finished_at.is_(None)))))

        try:
            until(lambda: not unfinished(), within_s=TASKS_S)
        except TimeoutError:
            raise TimeoutError(f"at {time.time()}: {unfinished()}") from None

    def is_ready(self) -> bool:
        """Whether every process that should serve does."""
        facts = self.processes()
        return facts is not None and not facts.missing and len(facts.processes) >= self.settings.workers + 3

    def processes(self) -> Processes | None:
        """What the supervisor says it runs."""
        assert self._process is not None
        assert self._process.poll() is None, "the server has ended by itself"
        return read_processes(self.settings.processes_path)

    async def wait_until_few_are_away(self) -> None:
        """Wait until all but one serve: killed faster than a busy machine starts them, none would ever answer."""
        async with asyncio.timeout(WAIT_S):
            while (facts := self.processes()) is None or len(facts.missing) > 1:  # noqa: ASYNC110  # other processes' doing
                await asyncio.sleep(0.05)

    def kill(self, name: str) -> bool:
        """kill -9 of one process by its name; False when it does not run at the moment."""
        facts = self.processes()
        pid = facts.processes[name].pid if facts is not None and name in facts.processes else 0
        if not pid:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def stop(self) -> int:
        """End everything in order; return the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        status = self._process.wait(WAIT_S)
        self._process = None
        return status

    def close(self) -> None:
        """Leave nothing running, whatever the test came to."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.database.close()
        self._log.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that clients connect to."""
        if self._address is None:
            facts = self.processes()
            assert facts is not None
            parts = urlsplit(facts.base_url)
            assert parts.hostname is not None
            assert parts.port is not None
            self._address = (parts.hostname, parts.port)
        return self._address

    def add_prepaid_key(self, balance_nanos: int) -> tuple[str, str]:
        """Make a prepaid account with money in the test book and a key for it; return the account and the secret."""
        run, now, secret = self.database.run, time.time(), new_secret(test=True)
        account = run(identity.create_account, name=new_id("acct"), now=now)
        run(ledger.set_credit_limit, account=account, book="test", credit_limit_nanos=0, now=now)
        run(ledger.credit, account=account, book="test", amount_nanos=balance_nanos, idempotency_key=account, now=now)
        key = ApiKey(id=new_id("key"), account=account, book="test", name="k", digest=digest_of(secret), hint=hint_of(secret))
        run(identity.create_key, key, now=now)
        return account, secret

    async def post(
        self, secret: str, body: dict[str, Any], *, path: str = CHAT, leave_after_bytes: int | None = None, idempotency_key: str = ""
    ) -> Answer:
        """Send one request on a connection of its own; a lost connection is an answer that is not whole, never an error.

        `leave_after_bytes`: hang up once so much of the answer has come.
        """
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
        if idempotency_key:
            head += f"Idempotency-Key: {idempotency_key}\r\n"
        answer = Answer()
        try:
            reader, writer = await asyncio.open_connection(*self.address)
        except OSError:
            return answer
        raw = b""
        try:
            writer.write(f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)
            raw = await _read(reader, leave_after_bytes)
        finally:
            writer.transport.abort()
        _parse(raw, answer)
        return answer

    async def sandbox_count(self) -> list[dict[str, Any]]:
        """What the sandbox was asked and answered, by its own count."""
        reader, writer = await asyncio.open_unix_connection(self.settings.sandbox_socket)
        writer.write(b"GET /sandbox/requests HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        answer = Answer()
        _parse(await reader.read(), answer)
        writer.close()
        assert answer.status == 200
        assert answer.whole
        return answer.json["requests"]  # type: ignore[no-any-return]

    def balance(self, account: str) -> int:
        """What is left on an account in the test book; money out with relays is not in it."""
        accounts = self.database.read(identity.list_accounts)
        return next(row.balance_nanos for row in accounts if row.id == account and row.book == "test")

    def audit_at_rest(self) -> AuditReport:
        """Prove the book while nothing runs."""
        assert self._process is None
        return self.database.read(audit, at_rest=True)


async def _read(reader: asyncio.StreamReader, bound: int | None) -> bytes:
    raw = bytearray()
    if bound == 0:
        await asyncio.sleep(LEAVE_S)
        return b""
    with suppress(OSError):
        while data := await reader.read(64 * 1024):
            raw += data
            if bound is not None and len(raw) >= bound:
                break
    return bytes(raw)


def _parse(raw: bytes, answer: Answer) -> None:
    head, separator, rest = raw.partition(b"\r\n\r\n")
    if not separator:
        return
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    answer.status = int(lines[0].split()[1])
    answer.request_id = headers.get("x-request-id", "")
    answer.replayed = headers.get("idempotent-replayed") == "true"
    if headers.get("transfer-encoding") == "chunked":
        answer.body, answer.whole = _unchunk(rest)
    else:
        answer.body, answer.whole = rest, len(rest) == int(headers.get("content-length", "-1"))


def _unchunk(rest: bytes) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return bytes(body), False
        length = int(size, 16)
        if not length:
            return bytes(body), rest == b"\r\n"
        if len(rest) < length + 2:
            return bytes(body), False
        body += rest[:length]
        rest = rest[length + 2 :]


def until(condition: Callable[[], bool], *, within_s: float = WAIT_S) -> None:
    """Wait for other processes to come to a state.

    Raises:
        TimeoutError: not within that time.
    """
    give_up_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError
        time.sleep(0.05)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Four relays, a book, a desk and a sandbox, to be started."""
    made = Installation(tmp_path, workers=4)
    try:
        yield made
    finally:
        made.close()
