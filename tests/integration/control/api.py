"""The account API over a real database, asked as a member of a role, without a server and without signing in."""

from collections.abc import Callable
from typing import Any

import msgspec

from modelgate.app.control import Means, control_actions, session_room
from modelgate.app.control_reach import Reach
from modelgate.app.following import ConfigurationFollower
from modelgate.app.settings import Settings
from modelgate.control.actions import Door, SignedIn
from modelgate.control.errors import NoSuchObject
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.members import Member, Role
from modelgate.core.records import Task, Upstream
from modelgate.core.upstreams import Verdict
from modelgate.gateway.configuration import Configuration
from modelgate.identity.passwords import Passwords
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.errors import NoSuchRow
from modelgate.storage.identity import create_account

NOW = 1_790_000_000.0


SECRET = bytes(32)


def reach_over(
    database: Database, *, settings: Settings, clock: Callable[[], float], canceled: list[str] | None = None, **more: Any
) -> Reach:
    """Return the reach of a desk whose tasks are canceled by noting them."""
    providers = load_providers()
    follower = ConfigurationFollower(database, Cipher(SECRET), settings, providers=providers, clock=clock)

    async def configuration() -> Configuration:
        await follower.follow()
        return follower.current()

    async def cancel(task: Task) -> Task:
        if canceled is not None:
            canceled.append(task.id)
        return task

    async def probe(_: Upstream) -> tuple[Verdict, ...]:
        return ()

    given: dict[str, Any] = {"configuration": configuration, "cancel": cancel, "urls_of": urls_of, "probe": probe, "providers": providers}
    return Reach(**(given | more))


class Api:
    """Answers calls; `now` is the clock. `canceled` are the tasks that somebody canceled, `probed` the upstreams that were tested."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.canceled: list[str] = []
        self.probed: list[Upstream] = []
        self.verdicts: tuple[Verdict, ...] = (Verdict(credential="cred_1", ok=True, text="it works", status=200, latency_ms=7),)
        settings = Settings()
        reach = reach_over(database, settings=settings, clock=lambda: self.now, canceled=self.canceled, probe=self._probe)
        self.means = Means(settings, database, secret=SECRET, clock=lambda: self.now, passwords=Passwords(), reach=reach)
        self.account = database.run(create_account, name="default", now=NOW)
        self.other = database.run(create_account, name="other", now=NOW)
        self._who: Member | None = None
        actions = control_actions(self.means, session_room(self.means))
        self._door = Door(actions, recognise=self._recognise, origins=frozenset(), clock=lambda: self.now)

    async def _recognise(self, _: HttpRequest) -> SignedIn | None:
        return None if self._who is None else SignedIn(self._who, by_cookie=False)

    async def _probe(self, upstream: Upstream) -> tuple[Verdict, ...]:
        self.probed.append(upstream)
        return self.verdicts

    def member(self, role: Role, *, account: str = "") -> Member:
        return Member(id=f"mem_{role}", account=account or self.account, role=role, email=f"{role}@a.example", name=role)

    async def ask(self, method: str, path: str, body: Any = None, *, role: Role = "member", account: str = "", query: str = "") -> Any:
        """Return the decoded answer, None for an empty one. Raises the error that a caller would be told."""
        return (await self.answer(method, path, body, role=role, account=account, query=query))[1]

    async def answer(
        self, method: str, path: str, body: Any = None, *, role: Role = "member", account: str = "", query: str = ""
    ) -> tuple[HttpResponse, Any]:
        self._who = self.member(role, account=account)
        encoded = b"" if body is None else msgspec.json.encode(body)
        request = HttpRequest(method=method, path=path, query=query, headers=HeaderBlock(), body=encoded)
        try:
            answer = await self._door.handle(request)
        except NoSuchRow as error:
            raise NoSuchObject(str(error)) from error
        assert isinstance(answer.body, bytes | bytearray)
        return answer, msgspec.json.decode(answer.body) if answer.body else None


def urls_of(task: Task) -> list[str]:
    return [f"https://gateway.example/files/{output.blob}" if output.blob else "" for output in task.outputs]
