"""The log over the account API, on real databases."""

import asyncio
import csv
import io

import msgspec
import pytest
from tests.integration.storage.test_request_log import NOW, filled

from modelgate.control.errors import NoSuchObject
from modelgate.control.request_csv import CsvExport
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.http import HeaderBlock, HttpRequest

from .api import Api

pytestmark = pytest.mark.anyio


@pytest.fixture
def owners(api: Api) -> dict[str, str]:
    api.now = NOW
    return filled(api.database)


async def test_members_see_their_own_calls_and_owners_everybodys(api: Api, owners: dict[str, str]) -> None:
    everybody = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    mine = await api.ask("GET", "/api/requests", account=owners["key_1"], query="limit=200")
    assert {one["account"] for one in everybody["data"]} == {owners["key_0"], owners["key_1"]}
    assert {one["account"] for one in mine["data"]} == {owners["key_1"]}
    assert {one["kind"] for one in mine["data"]} == {"request", "refusal"}
    with pytest.raises(PermissionDenied):
        await api.ask("GET", "/api/requests", account=owners["key_1"], query=f"account={owners['key_0']}")
    foreign = next(one for one in everybody["data"] if one["account"] == owners["key_0"])
    with pytest.raises(NoSuchObject):
        await api.ask("GET", f"/api/requests/{foreign['request_id']}", account=owners["key_1"])


async def test_pages_follow_each_other(api: Api, owners: dict[str, str]) -> None:
    whole = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    first = await api.ask("GET", "/api/requests", role="owner", query="limit=20")
    second = await api.ask("GET", "/api/requests", role="owner", query=f"limit=20&after={first['next']}")
    assert first["data"] + second["data"] == whole["data"][:40]
    assert whole["next"] is None


@pytest.mark.parametrize(
    "query",
    ["after=abc", "status=maybe", "status=999", "search=%25", "search=req_%25", "search=req_zz", "since=-1", "limit=201", "book=none"],
)
async def test_what_is_no_filter_is_refused_and_named(api: Api, query: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await api.ask("GET", "/api/requests", role="owner", query=query)
    assert caught.value.param == query.partition("=")[0]


async def test_search_by_the_beginning_of_an_id(api: Api, owners: dict[str, str]) -> None:
    whole = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    one = next(each for each in whole["data"] if each["kind"] == "request")
    found = await api.ask("GET", "/api/requests", role="owner", query=f"search={one['request_id'][:20].upper().replace('REQ_', 'req_')}")
    assert one in found["data"]


async def test_a_call_is_explained(api: Api, owners: dict[str, str]) -> None:
    whole = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    for kind in ("request", "task", "refusal"):
        one = next(each for each in whole["data"] if each["kind"] == kind)
        told = await api.ask("GET", f"/api/requests/{one['request_id']}", role="owner")
        assert {name: told[name] for name in one} == one
        assert (told["refusal"] is not None) == (one["status"] >= 400 or one["outcome"] == "orphaned")
    with pytest.raises(NoSuchObject):
        await api.ask("GET", "/api/requests/req_000000000000000000000000", role="owner")


async def test_the_export_has_every_row_of_the_list(api: Api, owners: dict[str, str]) -> None:
    whole = await api.ask("GET", "/api/requests", role="owner", query="limit=200&status=error")
    api._who = api.member("owner")
    answer = await api._door.handle(HttpRequest(method="GET", path="/api/requests.csv", query="status=error", headers=HeaderBlock()))
    assert isinstance(answer.body, CsvExport)
    written, over = bytearray(), asyncio.Event()

    class Sink:
        def write(self, data: bytes) -> None:
            written.extend(data)

        def end(self) -> None:
            over.set()

        def fail(self, error: Exception) -> None:
            raise error

    answer.body.start(Sink())
    await over.wait()
    lines = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    assert [line["request_id"] for line in lines] == [one["request_id"] for one in whole["data"]]
    assert msgspec.json.encode(answer.status) == b"200"
