"""Wallet and ledger over the account API, on real databases."""

import pytest

from modelgate.control.wallet import KINDS
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.storage.audit import LEDGER_KINDS
from modelgate.storage.wallet import credit_account

from .api import NOW, Api

pytestmark = pytest.mark.anyio


def put(api: Api, account: str, amount_nanos: int, *, cause: str) -> None:
    api.database.run(credit_account, account=account, book="live", amount_nanos=amount_nanos, cause=cause, now=NOW)


async def test_the_wallet_of_ones_own_account(api: Api) -> None:
    put(api, api.account, 700, cause="a")
    put(api, api.other, 900, cause="b")
    wallet = await api.ask("GET", "/api/wallet", role="viewer")
    assert (wallet["account"], wallet["account_name"], wallet["balance_nanos"]) == (api.account, "default", 700)
    assert (wallet["credit_limit_nanos"], wallet["spent_today_nanos"], wallet["spent_30d_nanos"]) == (0, 0, 0)
    assert (await api.ask("GET", "/api/wallet", query="book=test"))["balance_nanos"] == 0
    with pytest.raises(PermissionDenied):
        await api.ask("GET", "/api/wallet", query=f"account={api.other}")
    assert (await api.ask("GET", "/api/wallet", role="admin", query=f"account={api.other}"))["balance_nanos"] == 900


async def test_the_ledger_is_ones_own(api: Api) -> None:
    put(api, api.account, 700, cause="a")
    put(api, api.account, -1, cause="c")
    put(api, api.other, 900, cause="b")
    entries = (await api.ask("GET", "/api/ledger"))["data"]
    assert [(one["kind"], one["amount_nanos"], one["account"]) for one in entries] == [
        ("adjust", -1, api.account),
        ("credit", 700, api.account),
    ]
    with pytest.raises(PermissionDenied):
        await api.ask("GET", "/api/ledger", query=f"account={api.other}")
    everybody = await api.ask("GET", "/api/ledger", role="owner", query="kind=credit,refund&limit=1")
    assert [one["amount_nanos"] for one in everybody["data"]] == [900]
    rest = await api.ask("GET", "/api/ledger", role="owner", query=f"kind=credit&limit=1&after={everybody['next']}")
    assert ([one["amount_nanos"] for one in rest["data"]], rest["next"]) == ([700], None)


@pytest.mark.parametrize("query", ["kind=gift", "after=x", "after=-1", "after=" + "9" * 19, "after=%D9%A1"])
async def test_what_is_no_filter_is_refused(api: Api, query: str) -> None:
    with pytest.raises(InvalidRequest):
        await api.ask("GET", "/api/ledger", query=query)


def test_every_kind_that_changes_a_balance_can_be_asked_for() -> None:
    assert set(KINDS) == LEDGER_KINDS - {"charge", "task_charge"}
