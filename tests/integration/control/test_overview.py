"""The overview over the account API: what it draws is what the log lists."""

import pytest
from tests.integration.storage.test_request_log import NOW, SPAN_S, filled

from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.storage.overview import spent_since

from .api import Api

pytestmark = pytest.mark.anyio


@pytest.fixture
def owners(api: Api) -> dict[str, str]:
    api.now = NOW
    return filled(api.database)


@pytest.mark.parametrize("by", ["model", "key", "upstream", "account"])
@pytest.mark.parametrize("days", [1, 30])
async def test_totals_points_and_series_are_those_of_the_log(api: Api, owners: dict[str, str], by: str, days: int) -> None:
    since = int(NOW) - days * 86400
    told = await api.ask("GET", "/api/overview", role="owner", query=f"by={by}&since={since}&until={int(NOW)}")
    log = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    requests = [one for one in log["data"] if one["kind"] == "request"]
    assert told["span_s"] == (3600 if days == 1 else 86400)
    assert (told["totals"]["requests"], told["totals"]["spend_nanos"]) == (len(requests), sum(one["amount_nanos"] for one in requests))
    assert told["totals"]["errors"] == sum(one["status"] >= 400 or one["status"] == 0 for one in requests)
    for lines in (told["points"], [point for series in told["series"] for point in series["points"]]):
        assert sum(point["requests"] for point in lines) == len(requests)
    assert [point["at"] for point in told["points"]] == list(range(told["since"], told["until"], told["span_s"]))
    counted = {series["name"]: series["totals"]["requests"] for series in told["series"]}
    assert counted == {name: sum(one[by] == name for one in requests) for name in {one[by] for one in requests}}
    assert told["previous"]["requests"] == 0


async def test_a_member_sees_their_own(api: Api, owners: dict[str, str]) -> None:
    told = await api.ask("GET", "/api/overview", account=owners["key_1"], query="by=key")
    assert [(series["name"], series["label"]) for series in told["series"]] == [("key_1", "name 1")]
    with pytest.raises(PermissionDenied):
        await api.ask("GET", "/api/overview", account=owners["key_1"], query=f"account={owners['key_0']}")


async def test_the_span_before_is_told_beside(api: Api, owners: dict[str, str]) -> None:
    until = int(NOW) + SPAN_S + 7200
    told = await api.ask("GET", "/api/overview", role="owner", query=f"since={int(NOW) + 3600}&until={until}")
    assert told["totals"]["requests"] == 0
    assert told["previous"]["requests"] > 100


@pytest.mark.parametrize("query", ["since=2000000000", "since=0", "by=color", "until=-1"])
async def test_what_is_no_span_is_refused(api: Api, query: str) -> None:
    with pytest.raises(InvalidRequest):
        await api.ask("GET", "/api/overview", role="owner", query=query)


async def test_what_was_spent_since(api: Api, owners: dict[str, str]) -> None:
    log = await api.ask("GET", "/api/requests", role="owner", query="limit=200")
    for hours in (0, 2, 5, 40):
        since = (int(NOW) // 3600 - hours) * 3600
        expected = sum(
            one["amount_nanos"]
            for one in log["data"]
            if one["account"] == owners["key_0"] and one["kind"] == "request" and one["at"] >= since
        )
        assert api.database.read(spent_since, account=owners["key_0"], book="live", since=since + 5.0) == expected
