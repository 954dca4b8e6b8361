"""Signing in and out, becoming a member, and one's own record."""

import pytest
from tests.integration.control.conftest import BASE_URL, PASSWORD, Room, secret_of

from modelgate.core.members import SESSION_IDLE_S
from modelgate.identity.attempts import EMAIL_FROM_ADDRESS, SIGN_UPS
from modelgate.identity.members import LINK_LIFETIME_S
from modelgate.storage.identity import list_accounts
from modelgate.storage.settings import set_setting

pytestmark = pytest.mark.anyio

SIGN_IN = {"email": "owner@example.com", "password": PASSWORD}
ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}


async def test_from_nothing_to_an_owner(room: Room) -> None:
    before = (await room.ask("GET", "/api/state")).json
    assert (before["is_set_up"], before["sign_up"], before["member"], before["permissions"]) == (False, False, None, [])
    assert before["base_url"] == BASE_URL

    made = await room.ask(
        "POST",
        "/api/setup",
        {"token": room.link(), "email": " Owner@Example.com", "name": " Olga  O ", "password": PASSWORD},
        origin=BASE_URL,
    )
    assert made.status == 201
    assert made.cookie.startswith("modelgate_session=")
    assert made.cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Max-Age=7776000; Secure")
    assert PASSWORD not in str(made.json)
    assert "argon" not in str(made.json)

    state = (await room.ask("GET", "/api/state", cookie=secret_of(made))).json
    assert state["is_set_up"]
    assert state["member"] == made.json["member"] | {"seen_at": room.now}
    assert (state["member"]["email"], state["member"]["name"], state["member"]["role"]) == ("owner@example.com", "Olga O", "owner")
    assert state["permissions"] == ["configure", "members", "own", "read", "use"]


async def test_the_setup_link_works_once_and_only_before_there_is_an_owner(room: Room) -> None:
    link = room.link()
    body = {"token": link, **ADA}
    assert (await room.ask("POST", "/api/setup", body)).status == 201
    for token in (link, room.link(), "nonsense"):
        again = await room.ask("POST", "/api/setup", {**body, "token": token, "email": "mallory@example.com"})
        assert (again.status, again.code) == (410, "link_expired")


async def test_a_link_is_over_after_its_time(room: Room) -> None:
    link = room.link()
    room.now += LINK_LIFETIME_S
    assert (await room.ask("POST", "/api/setup", {"token": link, **ADA})).code == "link_expired"


async def test_one_kind_of_link_is_not_taken_for_the_other(room: Room) -> None:
    setup, invited = room.link(), room.link(role="viewer", email="vera@example.com")
    assert (await room.ask("POST", "/api/join", {"token": setup, "name": "Mallory", "password": PASSWORD})).code == "link_expired"
    assert (await room.ask("POST", "/api/setup", {"token": invited, **ADA})).code == "link_expired"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"email": "nobody"}, "invalid_value"),
        ({"password": "short"}, "invalid_value"),
        ({"name": "  "}, "invalid_value"),
        ({"name": ""}, "invalid_value"),
        ({"name": "A\x1b[2J"}, "invalid_value"),
    ],
)
async def test_what_a_person_may_not_be(room: Room, wrong: dict[str, str], code: str) -> None:
    link = room.link()
    refused = await room.ask("POST", "/api/setup", {"token": link, **ADA, **wrong})
    assert (refused.status, refused.code) == (400, code)
    assert (await room.ask("POST", "/api/setup", {"token": link, **ADA})).status == 201  # the link is not used up


async def test_signing_in_and_out(room: Room) -> None:
    first = await room.owner()
    answer = await room.ask("POST", "/api/session", {"email": "Owner@example.com ", "password": PASSWORD})
    second = secret_of(answer)
    assert answer.status == 200
    assert second != first
    assert "Secure" not in answer.cookie  # it came by http
    for cookie in (first, second):
        assert (await room.ask("GET", "/api/me", cookie=cookie)).status == 200

    out = await room.ask("DELETE", "/api/session", cookie=second)
    assert (out.status, out.cookie.partition("; ")[0]) == (204, "modelgate_session=")
    assert (await room.ask("GET", "/api/me", cookie=second)).code == "sign_in_needed"
    assert (await room.ask("GET", "/api/me", cookie=first)).status == 200
    assert (await room.ask("DELETE", "/api/session")).status == 204


async def test_a_session_is_over_when_it_is_not_used(room: Room) -> None:
    cookie = await room.owner()
    for _ in range(4):
        room.now += SESSION_IDLE_S - 1
        assert (await room.ask("GET", "/api/me", cookie=cookie)).status == 200
    room.now += SESSION_IDLE_S
    assert (await room.ask("GET", "/api/me", cookie=cookie)).code == "sign_in_needed"


async def test_a_wrong_email_and_a_wrong_password_are_answered_alike(room: Room) -> None:
    await room.owner()
    unknown = await room.ask("POST", "/api/session", {"email": "nobody@example.com", "password": PASSWORD})
    wrong = await room.ask("POST", "/api/session", {"email": "owner@example.com", "password": PASSWORD + "."})
    assert unknown == wrong
    assert (wrong.status, wrong.code, wrong.cookie) == (401, "wrong_password", "")


async def test_passwords_are_not_tried_for_ever(room: Room) -> None:
    await room.owner()
    for _ in range(EMAIL_FROM_ADDRESS.tries):
        assert (await room.ask("POST", "/api/session", {**SIGN_IN, "password": "wrong"})).code == "wrong_password"
    limited = await room.ask("POST", "/api/session", SIGN_IN)
    assert (limited.status, limited.code) == (429, "rate_limit_exceeded")
    assert limited.retry_after_s is not None
    assert (await room.ask("POST", "/api/session", SIGN_IN, client="198.51.100.9")).status == 200  # nobody is locked out from afar
    room.now += limited.retry_after_s
    assert (await room.ask("POST", "/api/session", SIGN_IN)).status == 200


async def test_an_email_that_is_not_known_is_limited_alike(room: Room) -> None:
    await room.owner()
    answers = [
        (await room.ask("POST", "/api/session", {"email": "nobody@example.com", "password": "wrong"})).code
        for _ in range(EMAIL_FROM_ADDRESS.tries + 1)
    ]
    assert answers == ["wrong_password"] * EMAIL_FROM_ADDRESS.tries + ["rate_limit_exceeded"]


async def test_a_page_of_another_site_signs_nobody_in_or_out(room: Room) -> None:
    cookie = await room.owner()
    for method, body in (("POST", SIGN_IN), ("DELETE", None)):
        refused = await room.ask(method, "/api/session", body, cookie=cookie, origin="https://evil.example")
        assert (refused.status, refused.code) == (403, "foreign_origin")
    assert (await room.ask("GET", "/api/me", cookie=cookie)).status == 200


# One's own record.


async def test_a_new_password_signs_every_other_browser_out(room: Room) -> None:
    here = await room.owner()
    elsewhere = secret_of(await room.ask("POST", "/api/session", SIGN_IN))
    changed = await room.ask("PATCH", "/api/me", {"password": {"current": PASSWORD, "new": "a quite different one"}}, cookie=here)
    fresh = secret_of(changed)
    assert fresh not in ("", here, elsewhere)
    for cookie, signed_in in ((here, False), (elsewhere, False), (fresh, True)):
        assert ((await room.ask("GET", "/api/me", cookie=cookie)).status == 200) == signed_in
    assert (await room.ask("POST", "/api/session", SIGN_IN)).code == "wrong_password"
    assert (await room.ask("POST", "/api/session", {**SIGN_IN, "password": "a quite different one"})).status == 200


async def test_a_new_password_needs_the_one_before(room: Room) -> None:
    cookie = await room.owner()
    for _ in range(EMAIL_FROM_ADDRESS.tries):
        refused = await room.ask("PATCH", "/api/me", {"password": {"current": "wrong", "new": "a quite different one"}}, cookie=cookie)
        assert (refused.status, refused.code) == (400, "wrong_password")
    refused = await room.ask("PATCH", "/api/me", {"password": {"current": PASSWORD, "new": "a quite different one"}}, cookie=cookie)
    assert refused.status == 429
    short = await room.ask("PATCH", "/api/me", {"password": {"current": PASSWORD, "new": "short"}}, cookie=cookie)
    assert (short.status, short.code) == (400, "invalid_value")
    assert (await room.ask("GET", "/api/me", cookie=cookie)).status == 200


async def test_a_new_name(room: Room) -> None:
    cookie = await room.join("viewer", "vera")
    assert (await room.ask("PATCH", "/api/me", {"name": " Vera V "}, cookie=cookie)).json["member"]["name"] == "Vera V"
    assert (await room.ask("PATCH", "/api/me", {}, cookie=cookie)).json["member"]["name"] == "Vera V"
    assert (await room.ask("PATCH", "/api/me", {"role": "owner"}, cookie=cookie)).json["member"]["role"] == "viewer"


async def test_an_access_key(room: Room) -> None:
    cookie = await room.owner()
    made = await room.ask("POST", "/api/me/access-key", cookie=cookie)
    first = made.json["access_key"]
    assert made.status == 201
    assert first.startswith("ak-")
    me = (await room.ask("GET", "/api/me", key=first)).json["member"]
    assert me["access_key_hint"] == f"{first[:8]}…{first[-4:]}"

    second = (await room.ask("POST", "/api/me/access-key", key=first, origin="https://elsewhere.example")).json["access_key"]
    assert (await room.ask("GET", "/api/me", key=first)).code == "unknown_access_key"
    assert (await room.ask("GET", "/api/me", key=first, cookie=cookie)).code == "unknown_access_key"  # it is not passed over
    assert (await room.ask("GET", "/api/state", key=first)).json["member"] is None

    assert (await room.ask("DELETE", "/api/me/access-key", key=second)).status == 204
    assert (await room.ask("GET", "/api/me", key=second)).code == "unknown_access_key"
    assert (await room.ask("GET", "/api/me", cookie=cookie)).json["member"]["access_key_hint"] is None


async def test_a_new_password_by_access_key_sets_no_cookie(room: Room) -> None:
    cookie = await room.owner()
    key = (await room.ask("POST", "/api/me/access-key", cookie=cookie)).json["access_key"]
    changed = await room.ask("PATCH", "/api/me", {"password": {"current": PASSWORD, "new": "a quite different one"}}, key=key)
    assert (changed.status, changed.cookie) == (200, "")
    assert (await room.ask("GET", "/api/me", cookie=cookie)).code == "sign_in_needed"
    assert (await room.ask("GET", "/api/me", key=key)).status == 200


# Signing up.


async def test_nobody_signs_up_unless_the_operator_says_so(room: Room) -> None:
    assert (await room.ask("POST", "/api/sign-up", ADA)).code == "sign_up_closed"
    await room.owner()
    refused = await room.ask("POST", "/api/sign-up", ADA)
    assert (refused.status, refused.code) == (403, "sign_up_closed")


async def test_signing_up(room: Room) -> None:
    room.database.run(set_setting, "sign_up", "on", now=room.now)
    room.database.run(set_setting, "sign_up_credit_nanos", "1000000000", now=room.now)
    assert (await room.ask("POST", "/api/sign-up", ADA)).code == "sign_up_closed"  # not before there is an owner
    assert (await room.ask("GET", "/api/state")).json["sign_up"] is False
    await room.owner()
    assert (await room.ask("GET", "/api/state")).json["sign_up"] is True

    joined = await room.ask("POST", "/api/sign-up", ADA)
    assert joined.status == 201
    member = joined.json["member"]
    assert (member["role"], member["account_name"]) == ("member", "ada@example.com")
    assert member["account"] != room.account
    (live,) = [one for one in room.database.read(list_accounts) if one.id == member["account"] and one.book == "live"]
    assert (live.balance_nanos, live.credit_limit_nanos) == (1_000_000_000, 0)
    assert (await room.ask("GET", "/api/me", cookie=secret_of(joined))).status == 200

    again = await room.ask("POST", "/api/sign-up", {**ADA, "email": "ADA@example.com"})
    assert (again.status, again.code) == (409, "already_taken")


async def test_one_address_makes_so_many_accounts(room: Room) -> None:
    await room.owner()
    room.database.run(set_setting, "sign_up", "on", now=room.now)
    for number in range(SIGN_UPS.tries):
        assert (await room.ask("POST", "/api/sign-up", {**ADA, "email": f"{number}@example.com"})).status == 201
    limited = await room.ask("POST", "/api/sign-up", {**ADA, "email": "more@example.com"})
    assert (limited.status, limited.code) == (429, "rate_limit_exceeded")
    assert (await room.ask("POST", "/api/sign-up", {**ADA, "email": "more@example.com"}, client="198.51.100.9")).status == 201
