"""The account API over a real database, asked without a server between: the clock is the test's, and hashing is cheap."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher

from modelgate.app.control import ControlRoom
from modelgate.app.first_run import ensure_account
from modelgate.app.settings import Settings
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.members import Role
from modelgate.identity.members import new_link
from modelgate.identity.passwords import Passwords
from modelgate.storage.database import Database
from modelgate.storage.members import add_invitation
from modelgate.storage.migrations import prepare

from .api import Api, reach_over

BASE_URL = "https://gateway.example"
PASSWORD = "correct horse battery"


class Answer(msgspec.Struct):
    status: int
    json: Any
    cookie: str
    code: str | None = None
    retry_after_s: float | None = None
    message: str = ""


class Room:
    """An installation's account API, and a clock."""

    def __init__(self, folder: Path, *, database_url: str = "") -> None:
        self.now = 1_790_000_000.0
        settings = Settings(data=str(folder), public_url=BASE_URL, database=database_url)
        prepare(settings.database_url)
        self.database = Database(settings.database_url)
        self.account = self.database.run(ensure_account, now=self.now)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        reach = reach_over(self.database, settings=settings, clock=lambda: self.now)
        self.control = ControlRoom(settings, bytes(32), clock=lambda: self.now, passwords=passwords, reach=reach)

    async def ask(
        self, method: str, path: str, body: Any = None, *, cookie: str = "", key: str = "", client: str = "192.0.2.1", **headers: str
    ) -> Answer:
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if cookie:
            lines.append(("cookie", f"modelgate_session={cookie}"))
        if key:
            lines.append(("authorization", f"Bearer {key}"))
        path, _, query = path.partition("?")
        request = HttpRequest(
            method=method,
            path=path,
            query=query,
            headers=HeaderBlock.of(*lines),
            body=msgspec.json.encode(body) if body is not None else b"",
            client=client,
            id="req_1",
        )
        try:
            response = await self.control.handle(request)
        except ModelgateError as error:
            return Answer(error.status, None, "", code=error.code, retry_after_s=error.retry_after_s, message=error.message)
        assert isinstance(response.body, bytes)
        set_cookie = (response.headers.get(b"set-cookie") or b"").decode()
        return Answer(response.status, msgspec.json.decode(response.body) if response.body else None, set_cookie)

    def link(self, *, role: Role = "owner", email: str = "") -> str:
        secret, made = new_link(role=role, account=self.account, email=email, now=self.now)
        assert self.database.run(add_invitation, made) is not None
        return secret

    async def owner(self) -> str:
        """Make the owner; return their cookie."""
        body = {"token": self.link(), "email": "owner@example.com", "name": "Olga", "password": PASSWORD}
        return secret_of(await self.ask("POST", "/api/setup", body))

    async def join(self, role: Role, name: str) -> str:
        """Make another member; return their cookie."""
        body = {"token": self.link(role=role, email=f"{name}@example.com"), "name": name, "password": PASSWORD}
        return secret_of(await self.ask("POST", "/api/join", body))

    async def id_of(self, cookie: str) -> str:
        return str((await self.ask("GET", "/api/me", cookie=cookie)).json["member"]["id"])


def secret_of(answer: Answer) -> str:
    """Return the session's secret out of `set-cookie`."""
    assert answer.status in (200, 201), answer
    return answer.cookie.partition(";")[0].partition("=")[2]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "data")
    yield made
    made.control.close()
    made.database.close()


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """The account API over either kind of database, asked as somebody of any role."""
    made = Api(database)
    yield made
    made.means.passwords.close()
