"""Plain HTTP as curl speaks it, for tests of dialects that have no official client, and an account's money."""

import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from decimal import Decimal
from typing import Any, NamedTuple

from tests.integration.gateway.conftest import Installation


class Answer(NamedTuple):
    status: int
    headers: Any
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.content))


def send(url: str, *, key: str = "", body: Any = None, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    given = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
    data = None
    if body is not None:
        data, given["Content-Type"] = json.dumps(body).encode(), "application/json"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, given, method=method), timeout=120) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def prepaid(installation: Installation, name: str, usd: str) -> str:
    """Return a test key of a new account that has so much and not more."""
    installation.run("accounts", "create", "--name", name)
    installation.run("accounts", "limit", name, "prepaid", "--test")
    installation.run("accounts", "credit", name, usd, "--test")
    return installation.key("--test", "--account", name)


def look_up(installation: Installation, query: str, *values: str) -> list[Any]:
    """Return rows of the book as it stands. A command of the operator's needs a second or more to start, and tasks end meanwhile."""
    with closing(sqlite3.connect(f"file:{installation.data / 'modelgate.db'}?mode=ro", uri=True)) as database:
        return database.execute(query, values).fetchall()


def held_usd(installation: Installation, task_id: str) -> float:
    """Return what was set aside for a task when it began, be it over or not: on a busy machine it may be, before anybody looks at a balance."""
    ((nanos,),) = look_up(installation, "SELECT amount_nanos FROM task_hold WHERE task = ?", task_id)
    return float(Decimal(nanos).scaleb(-9))


def balance_usd(installation: Installation, name: str) -> str:
    """Return what an account has in the test book."""
    query = (
        "SELECT balance_nanos FROM account_balance JOIN account ON account.id = account_balance.account WHERE name = ? AND book = 'test'"
    )
    ((nanos,),) = look_up(installation, query, name)
    return str(Decimal(nanos).scaleb(-9))


class Prepaid:
    """An account of its own with so much money, and its view of the gateway."""

    def __init__(self, installation: Installation, name: str, usd: str) -> None:
        self.installation, self.name = installation, name
        self.key = prepaid(installation, name, usd)

    def balance(self) -> float:
        return round(float(balance_usd(self.installation, self.name)), 6)

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = send(self.installation.base_url + path, key=self.key, body=body, method=method)
        return answer.status, json.loads(answer.content) if answer.content else None
