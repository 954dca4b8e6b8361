"""Redemption codes over the account API, on real databases."""

import re
from typing import Any

import pytest

from modelgate.control.errors import NoSuchObject
from modelgate.control.redemption import CodeSpent, UnknownCode, digest_of_code, new_code
from modelgate.core.errors import InvalidRequest, PermissionDenied, RateExceeded
from modelgate.identity.attempts import REDEMPTIONS

from .api import NOW, Api

pytestmark = pytest.mark.anyio

CODES = "/api/redemption-codes"


async def make(api: Api, **body: Any) -> list[Any]:
    made = await api.ask("POST", CODES, {"amount_nanos": 500, **body}, role="admin")
    return list(made["data"])


def test_a_code_has_a_hundred_random_bits_and_may_be_typed_as_one_likes() -> None:
    code = new_code()
    assert re.fullmatch(r"MG(-[0-9A-HJKMNP-TV-Z]{4}){5}", code)
    assert len({new_code() for _ in range(1000)}) == 1000
    assert digest_of_code("mg 10ab-…") == digest_of_code("MG-IOAB") == digest_of_code("mg-loab")
    assert digest_of_code(code) != digest_of_code(code[:-1])


async def test_a_code_is_shown_once_and_gives_its_credit_once(api: Api) -> None:
    (made,) = await make(api, note="fair")
    (listed,) = (await api.ask("GET", CODES, role="admin"))["data"]
    assert listed == {name: value for name, value in made.items() if name != "code"}
    assert (listed["state"], listed["created_by"]) == ("open", "mem_admin")
    given = await api.ask("POST", "/api/redeem", {"code": made["code"].lower().replace("-", " ")})
    assert (given["account"], given["book"], given["amount_nanos"]) == (api.account, "live", 500)
    assert (await api.ask("GET", "/api/wallet"))["balance_nanos"] == 500
    with pytest.raises(CodeSpent):
        await api.ask("POST", "/api/redeem", {"code": made["code"]}, account=api.other)
    (spent,) = (await api.ask("GET", CODES, role="admin"))["data"]
    assert (spent["state"], spent["redeemed_by"], spent["account"]) == ("redeemed", "mem_member", api.account)
    with pytest.raises(CodeSpent):
        await api.ask("DELETE", f"{CODES}/{made['id']}", role="admin")


async def test_codes_expire_and_are_withdrawn(api: Api) -> None:
    (short,) = await make(api, expires_at=NOW + 10)
    (taken_back,) = await make(api)
    await api.ask("DELETE", f"{CODES}/{taken_back['id']}", role="admin")
    with pytest.raises(NoSuchObject):
        await api.ask("DELETE", f"{CODES}/code_9", role="admin")
    api.now = NOW + 10
    for code, why in ((short, "expired"), (taken_back, "withdrawn")):
        with pytest.raises(CodeSpent, match=why):
            await api.ask("POST", "/api/redeem", {"code": code["code"]})
    assert {one["state"] for one in (await api.ask("GET", CODES, role="admin"))["data"]} == {"expired", "withdrawn"}


async def test_guessing_is_bounded_and_known_codes_are_not_counted(api: Api) -> None:
    for code in await make(api, count=REDEMPTIONS.tries + 2):
        await api.ask("POST", "/api/redeem", {"code": code["code"]})
    for _ in range(REDEMPTIONS.tries):
        with pytest.raises(UnknownCode):
            await api.ask("POST", "/api/redeem", {"code": new_code()})
    with pytest.raises(RateExceeded):
        await api.ask("POST", "/api/redeem", {"code": new_code()})


@pytest.mark.parametrize(
    "body",
    [{"amount_nanos": 0}, {"count": 0}, {"count": 101}, {"expires_at": NOW}, {"note": "x" * 201}, {"book": "x"}, {"code": "MG-MINE"}],
)
async def test_what_is_no_code_is_refused(api: Api, body: Any) -> None:
    with pytest.raises(InvalidRequest):
        await make(api, **body)


async def test_who_may(api: Api) -> None:
    for method, path, body, role in (
        ("GET", CODES, None, "member"),
        ("POST", CODES, {"amount_nanos": 5}, "member"),
        ("POST", "/api/redeem", {"code": "x"}, "viewer"),
    ):
        with pytest.raises(PermissionDenied):
            await api.ask(method, path, body, role=role)  # type: ignore[arg-type]
