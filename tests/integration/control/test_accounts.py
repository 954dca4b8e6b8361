"""Accounts over the account API, on real databases."""

from typing import Any

import pytest

from modelgate.control.accounts import MAX_CREDIT_NANOS
from modelgate.control.errors import Conflict, NoSuchObject
from modelgate.core.errors import IdempotencyKeyReused, InvalidRequest, PermissionDenied
from modelgate.storage.audit import audit
from modelgate.storage.errors import NameTaken
from modelgate.storage.wallet import MAX_BALANCE_NANOS, credit_account

from .api import NOW, Api

pytestmark = pytest.mark.anyio

ACCOUNTS = "/api/accounts"


async def admin(api: Api, method: str, path: str, body: Any = None) -> Any:
    return await api.ask(method, path, body, role="admin")


async def test_members_see_their_own_account_and_admins_all(api: Api) -> None:
    assert [one["id"] for one in (await api.ask("GET", ACCOUNTS))["data"]] == [api.account]
    assert {one["id"] for one in (await admin(api, "GET", ACCOUNTS))["data"]} == {api.account, api.other}


async def test_an_account_is_made_and_renamed(api: Api) -> None:
    made = await admin(api, "POST", ACCOUNTS, {"name": " Acme "})
    assert (made["name"], made["keys"], made["live"]["credit_limit_nanos"]) == ("Acme", 0, None)
    with pytest.raises(NameTaken):
        await admin(api, "POST", ACCOUNTS, {"name": "Acme"})
    with pytest.raises(NameTaken):
        await admin(api, "PATCH", f"{ACCOUNTS}/{made['id']}", {"name": "default"})
    assert (await admin(api, "PATCH", f"{ACCOUNTS}/{made['id']}", {"name": "Acme & Co"}))["name"] == "Acme & Co"
    prepaid = await admin(api, "POST", ACCOUNTS, {"name": "new", "prepaid": True})
    assert prepaid["live"]["credit_limit_nanos"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"name": "x"}),
        ("PATCH", "/acct_1", {"credit_limit_nanos": None}),
        ("POST", "/acct_1/credit", {"amount_nanos": 5}),
    ],
)
async def test_members_change_no_account(api: Api, method: str, path: str, body: Any) -> None:
    with pytest.raises(PermissionDenied):
        await api.ask(method, ACCOUNTS + path, body)


async def test_how_far_below_zero(api: Api) -> None:
    path = f"{ACCOUNTS}/{api.account}"
    assert (await admin(api, "PATCH", path, {"credit_limit_nanos": 7, "book": "test"}))["test"]["credit_limit_nanos"] == 7
    changed = await admin(api, "PATCH", path, {"credit_limit_nanos": None, "book": "test"})
    assert (changed["test"]["credit_limit_nanos"], changed["live"]["credit_limit_nanos"]) == (None, None)
    await admin(api, "POST", f"{path}/credit", {"amount_nanos": 5, "book": "test"})
    assert (await admin(api, "GET", ACCOUNTS))["data"][0]["test"]["credit_limit_nanos"] is None, "it was chosen"
    with pytest.raises(InvalidRequest):
        await admin(api, "PATCH", path, {"credit_limit_nanos": -1})


async def test_a_credit_is_booked_once_for_a_key(api: Api) -> None:
    path = f"{ACCOUNTS}/{api.account}/credit"
    body = {"amount_nanos": 500, "note": "invoice 7", "idempotency_key": "payment-1"}
    for _ in range(2):
        account = await admin(api, "POST", path, body)
        assert (account["live"]["balance_nanos"], account["live"]["credit_limit_nanos"]) == (500, 0)
    with pytest.raises(IdempotencyKeyReused):
        await admin(api, "POST", path, {**body, "amount_nanos": 501})
    assert (await admin(api, "POST", path, {"amount_nanos": -20}))["live"]["balance_nanos"] == 480
    assert api.database.read(audit).failures == ()


@pytest.mark.parametrize("amount", [0, MAX_CREDIT_NANOS + 1, 1.5, None])
async def test_what_is_no_credit_is_refused(api: Api, amount: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await admin(api, "POST", f"{ACCOUNTS}/{api.account}/credit", {"amount_nanos": amount})
    assert refused.value.param == "amount_nanos"


async def test_nobody_and_too_much(api: Api) -> None:
    with pytest.raises(NoSuchObject):
        await admin(api, "POST", f"{ACCOUNTS}/acct_9/credit", {"amount_nanos": 5})
    api.database.run(credit_account, account=api.account, book="live", amount_nanos=MAX_BALANCE_NANOS, cause="a", now=NOW)
    with pytest.raises(Conflict):
        await admin(api, "POST", f"{ACCOUNTS}/{api.account}/credit", {"amount_nanos": 5})
