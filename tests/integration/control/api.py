"""The account API over a real database, asked as a member of a role, without a server and without signing in."""

from typing import Any

import msgspec

from modelgate.app.control import Means, control_actions, session_room
from modelgate.app.settings import Settings
from modelgate.control.actions import Door, SignedIn
from modelgate.control.errors import NoSuchObject
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.members import Member, Role
from modelgate.identity.passwords import Passwords
from modelgate.storage.database import Database
from modelgate.storage.errors import NoSuchRow
from modelgate.storage.identity import create_account

NOW = 1_790_000_000.0


class Api:
    """Answers calls; `now` is the clock."""

    def __init__(self, database: Database, **means: Any) -> None:
        self.database = database
        self.now = NOW
        self.means = Means(Settings(), database, secret=bytes(32), clock=lambda: self.now, passwords=Passwords(), **means)
        self.account = database.run(create_account, name="default", now=NOW)
        self.other = database.run(create_account, name="other", now=NOW)
        self._who: Member | None = None
        actions = control_actions(self.means, session_room(self.means))
        self._door = Door(actions, recognise=self._recognise, origins=frozenset(), clock=lambda: self.now)

    async def _recognise(self, _: HttpRequest) -> SignedIn | None:
        return None if self._who is None else SignedIn(self._who, by_cookie=False)

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
