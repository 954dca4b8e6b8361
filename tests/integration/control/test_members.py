"""Members and invitations, for those who manage them."""

import pytest
from tests.integration.control.conftest import BASE_URL, PASSWORD, Room, secret_of

from modelgate.core.members import Role
from modelgate.storage.identity import create_account

pytestmark = pytest.mark.anyio


async def test_from_an_invitation_to_a_member(room: Room) -> None:
    owner = await room.owner()
    made = await room.ask("POST", "/api/members", {"email": "Grace@example.com"}, cookie=owner)
    assert made.status == 201
    invitation, url = made.json["invitation"], made.json["invitation_url"]
    assert (invitation["email"], invitation["role"], invitation["account"]) == ("grace@example.com", "member", room.account)
    assert invitation["invited_by"] == await room.id_of(owner)
    assert url.startswith(f"{BASE_URL}/console/join#token=")
    listed = (await room.ask("GET", "/api/invitations", cookie=owner)).json
    assert listed == {"data": [invitation], "next": None, "object": "list"}

    body = {"token": url.partition("=")[2], "name": "Grace", "password": PASSWORD}
    room.now += 1
    joined = await room.ask("POST", "/api/join", body)
    assert joined.status == 201
    assert joined.json["permissions"] == ["read", "use"]
    assert (await room.ask("GET", "/api/invitations", cookie=owner)).json["data"] == []
    assert (await room.ask("POST", "/api/join", body)).code == "link_expired"
    members = (await room.ask("GET", "/api/members", cookie=owner)).json["data"]
    assert [(one["email"], one["role"]) for one in members] == [("owner@example.com", "owner"), ("grace@example.com", "member")]
    assert "password" not in members[0]

    again = await room.ask("POST", "/api/members", {"email": "grace@example.com"}, cookie=owner)
    assert (again.status, again.code) == (409, "already_taken")


async def test_an_invitation_to_another_account(room: Room) -> None:
    owner = await room.owner()
    other = room.database.run(create_account, name="acme", now=room.now)
    made = await room.ask("POST", "/api/members", {"email": "g@example.com", "account": "acme", "role": "viewer"}, cookie=owner)
    assert made.json["invitation"]["account"] == other
    nowhere = await room.ask("POST", "/api/members", {"email": "h@example.com", "account": "nobody"}, cookie=owner)
    assert (nowhere.status, nowhere.code) == (404, "not_found")
    assert nowhere.message == "No account has the id or name 'nobody'."


async def test_a_withdrawn_invitation_does_not_work(room: Room) -> None:
    owner = await room.owner()
    made = (await room.ask("POST", "/api/members", {"email": "g@example.com"}, cookie=owner)).json
    path = f"/api/invitations/{made['invitation']['id']}"
    assert (await room.ask("DELETE", path, cookie=owner)).status == 204
    assert (await room.ask("DELETE", path, cookie=owner)).code == "not_found"
    body = {"token": made["invitation_url"].partition("=")[2], "name": "G", "password": PASSWORD}
    assert (await room.ask("POST", "/api/join", body)).code == "link_expired"


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_members_manage_nobody(room: Room, role: Role) -> None:
    await room.owner()
    cookie = await room.join(role, "grace")
    mine = await room.id_of(cookie)
    for method, path, body in (
        ("GET", "/api/members", None),
        ("POST", "/api/members", {"email": "x@example.com", "role": "viewer"}),
        ("PATCH", f"/api/members/{mine}", {"role": "owner"}),
        ("DELETE", f"/api/members/{mine}", None),
        ("GET", "/api/invitations", None),
        ("DELETE", "/api/invitations/inv_1", None),
    ):
        refused = await room.ask(method, path, body, cookie=cookie)
        assert (refused.status, refused.code) == (403, "permission_denied"), (method, path)


async def test_admins_touch_only_those_below_them(room: Room) -> None:
    owner = await room.owner()
    admin, other, member = await room.join("admin", "ann"), await room.join("admin", "abe"), await room.join("member", "max")
    for target in (owner, other, admin):
        path = f"/api/members/{await room.id_of(target)}"
        for method, body in (("PATCH", {"disabled": True}), ("PATCH", {"role": "viewer"}), ("PATCH", {}), ("DELETE", None)):
            assert (await room.ask(method, path, body, cookie=admin)).code == "permission_denied"
    path = f"/api/members/{await room.id_of(member)}"
    for role in ("admin", "owner"):
        assert (await room.ask("PATCH", path, {"role": role}, cookie=admin)).code == "permission_denied"
        assert (await room.ask("POST", "/api/members", {"email": "x@example.com", "role": role}, cookie=admin)).code == "permission_denied"
    assert (await room.ask("PATCH", path, {"role": "viewer"}, cookie=admin)).json["role"] == "viewer"
    assert (await room.ask("DELETE", path, cookie=admin)).status == 204

    made = (await room.ask("POST", "/api/members", {"email": "x@example.com", "role": "admin"}, cookie=owner)).json["invitation"]
    assert (await room.ask("DELETE", f"/api/invitations/{made['id']}", cookie=admin)).code == "permission_denied"


async def test_the_last_owner_cannot_go(room: Room) -> None:
    owner = await room.owner()
    mine = f"/api/members/{await room.id_of(owner)}"
    for method, body in (("PATCH", {"role": "admin"}), ("PATCH", {"disabled": True}), ("DELETE", None)):
        refused = await room.ask(method, mine, body, cookie=owner)
        assert (refused.status, refused.code) == (409, "last_owner")

    second = await room.join("owner", "oskar")
    theirs = f"/api/members/{await room.id_of(second)}"
    assert (await room.ask("PATCH", theirs, {"disabled": True}, cookie=owner)).status == 200
    assert (await room.ask("DELETE", mine, cookie=owner)).code == "last_owner"  # one who is kept out does not count
    assert (await room.ask("PATCH", theirs, {"disabled": False}, cookie=owner)).status == 200
    assert (await room.ask("PATCH", mine, {"role": "viewer"}, cookie=owner)).json["role"] == "viewer"
    assert (await room.ask("GET", "/api/members", cookie=owner)).code == "permission_denied"  # at once


async def test_who_is_kept_out_is_out_at_once(room: Room) -> None:
    owner, cookie = await room.owner(), await room.join("member", "max")
    key = (await room.ask("POST", "/api/me/access-key", cookie=cookie)).json["access_key"]
    path = f"/api/members/{await room.id_of(cookie)}"
    assert (await room.ask("PATCH", path, {"disabled": True}, cookie=owner)).json["disabled"] is True
    assert (await room.ask("GET", "/api/me", cookie=cookie)).code == "sign_in_needed"
    assert (await room.ask("GET", "/api/me", key=key)).code == "unknown_access_key"
    signed_in = {"email": "max@example.com", "password": PASSWORD}
    assert (await room.ask("POST", "/api/session", signed_in)).code == "permission_denied"
    assert (await room.ask("POST", "/api/session", {**signed_in, "password": "wrong"})).code == "wrong_password"

    assert (await room.ask("PATCH", path, {"disabled": False}, cookie=owner)).status == 200
    assert (await room.ask("GET", "/api/me", cookie=cookie)).code == "sign_in_needed"  # the old session is over
    assert (await room.ask("POST", "/api/session", signed_in)).status == 200


async def test_a_removed_member_is_gone(room: Room) -> None:
    owner, cookie = await room.owner(), await room.join("member", "max")
    path = f"/api/members/{await room.id_of(cookie)}"
    assert (await room.ask("DELETE", path, cookie=owner)).status == 204
    assert (await room.ask("GET", "/api/me", cookie=cookie)).code == "sign_in_needed"
    assert (await room.ask("POST", "/api/session", {"email": "max@example.com", "password": PASSWORD})).code == "wrong_password"
    assert (await room.ask("DELETE", path, cookie=owner)).code == "not_found"
    assert (await room.ask("POST", "/api/members", {"email": "max@example.com"}, cookie=owner)).status == 201


async def test_members_come_in_pages(room: Room) -> None:
    owner = await room.owner()
    other = room.database.run(create_account, name="acme", now=room.now)
    for name in ("a", "b", "c"):
        room.now += 1
        await room.join("viewer", name)
    room.now += 1
    last = await room.id_of(await room.join("viewer", "d"))
    await room.ask("PATCH", f"/api/members/{last}", {"account": "acme"}, cookie=owner)
    first = (await room.ask("GET", "/api/members?limit=2", cookie=owner)).json
    rest = (await room.ask("GET", f"/api/members?after={first['next']}", cookie=owner)).json
    assert [one["name"] for one in (*first["data"], *rest["data"])] == ["Olga", "a", "b", "c", "d"]
    assert rest["next"] is None
    assert [one["name"] for one in (await room.ask("GET", f"/api/members?account={other}", cookie=owner)).json["data"]] == ["d"]
    assert (await room.ask("GET", "/api/members?limit=0", cookie=owner)).status == 400


async def test_a_person_signed_in_twice(room: Room) -> None:
    """Signing in as somebody else in the same browser ends the session before."""
    owner = await room.owner()
    await room.join("viewer", "vera")
    answer = await room.ask("POST", "/api/session", {"email": "vera@example.com", "password": PASSWORD}, cookie=owner)
    assert (await room.ask("GET", "/api/me", cookie=secret_of(answer))).json["member"]["name"] == "vera"
    assert (await room.ask("GET", "/api/me", cookie=owner)).code == "sign_in_needed"
