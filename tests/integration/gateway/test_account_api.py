"""The account API as browsers and programs meet it: through a relay, over real HTTP."""

import json
import secrets
import time
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from typing import Any

import msgspec
import pytest
from tests.integration.gateway.conftest import POSTED_S, Installation

PASSWORD = "correct horse battery"


class Reply(msgspec.Struct):
    status: int
    body: bytes
    headers: Any  # http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookie(self) -> str:
        return SimpleCookie(self.headers["set-cookie"])["modelgate_session"].value

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


class Browser:
    """Keeps the cookie, and says of each request which page it came from."""

    def __init__(self, installation: Installation, cookie: str = "") -> None:
        self.base_url = installation.base_url
        self.cookie = cookie

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            lines["cookie"] = f"theme=dark; modelgate_session={self.cookie}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base_url + path, data, {"content-type": "application/json", **lines}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                reply = Reply(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                reply = Reply(error.code, error.read(), error.headers)
        if "set-cookie" in reply.headers:
            self.cookie = reply.cookie
        return reply


def joined(installation: Installation, role: str, *flags: str) -> Browser:
    """Return the browser of a new member."""
    email = f"{role}-{secrets.token_hex(4)}@example.com"
    url = installation.json("members", "invite", email, "--role", role, *flags)["invitation_url"]
    browser = Browser(installation)
    body = {"token": url.partition("#token=")[2], "name": role.title(), "password": PASSWORD}
    assert browser.ask("POST", "/api/join", body, origin=installation.base_url).status == 201
    return browser


@pytest.fixture(scope="module")
def owner(installation: Installation) -> Browser:
    return joined(installation, "owner")


def test_signing_in_and_out(installation: Installation) -> None:
    browser = joined(installation, "viewer")
    email = browser.ask("GET", "/api/me").json["member"]["email"]
    assert browser.ask("DELETE", "/api/session", origin=installation.base_url).status == 204
    assert browser.cookie == ""
    refused = browser.ask("GET", "/api/me")
    assert (refused.status, refused.code) == (401, "sign_in_needed")
    signed_in = browser.ask("POST", "/api/session", {"email": email, "password": PASSWORD}, origin=installation.base_url)
    flags = signed_in.headers["set-cookie"].split("; ")[1:]
    assert flags == ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=7776000"]
    assert signed_in.headers["cache-control"] == "no-store"
    state = browser.ask("GET", "/api/state").json
    assert (state["base_url"], state["member"]["email"], state["permissions"]) == (installation.base_url, email, ["read"])
    assert browser.ask("HEAD", "/api/me").body == b""


def test_the_cookie_is_secure_where_the_browser_came_by_https(installation: Installation, owner: Browser) -> None:
    email = owner.ask("GET", "/api/me").json["member"]["email"]
    for header in ({"x_forwarded_proto": "https"}, {"origin": "https://gateway.example", "host": "gateway.example"}):
        answer = Browser(installation).ask("POST", "/api/session", {"email": email, "password": PASSWORD}, **header)
        assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"origin": "http://127.0.0.1:1", "sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "x_modelgate_host": "evil.example"},
    ],
)
def test_a_page_of_another_site_changes_nothing(owner: Browser, headers: dict[str, str]) -> None:
    before = owner.ask("GET", "/api/me").json["member"]["name"]
    refused = owner.ask("PATCH", "/api/me", {"name": "Mallory"}, **headers)
    assert (refused.status, refused.code) == (403, "foreign_origin")
    assert owner.ask("GET", "/api/me").json["member"]["name"] == before
    assert "access-control-allow-credentials" not in refused.headers  # so what it may read is what anybody may


def test_the_servers_own_pages_may_by_whichever_name_they_reach_it(installation: Installation, owner: Browser) -> None:
    assert owner.ask("PATCH", "/api/me", {"name": "Olga"}, origin=installation.base_url).status == 200
    port = installation.base_url.rpartition(":")[2]
    local = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}", "sec_fetch_site": "same-origin"}
    assert owner.ask("PATCH", "/api/me", {"name": "Olga"}, **local).status == 200


def test_an_access_key_works_without_a_cookie_and_not_for_models(installation: Installation, owner: Browser) -> None:
    secret = owner.ask("POST", "/api/me/access-key", origin=installation.base_url).json["access_key"]
    program = Browser(installation)
    assert program.ask("GET", "/api/members", authorization=f"Bearer {secret}").status == 200
    chat = {"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello"}]}
    assert program.ask("POST", "/v1/chat/completions", chat, authorization=f"Bearer {secret}").status == 401
    refused = program.ask("GET", "/api/me", authorization=f"Bearer {installation.test_key}")
    assert (refused.status, refused.code) == (401, "unknown_access_key")
    assert owner.ask("DELETE", "/api/me/access-key", origin=installation.base_url).status == 204
    assert program.ask("GET", "/api/me", authorization=f"Bearer {secret}").status == 401


def test_roles_hold(installation: Installation, owner: Browser) -> None:
    viewer, member, admin = (joined(installation, role) for role in ("viewer", "member", "admin"))
    me = {name: one.ask("GET", "/api/me").json["member"]["id"] for name, one in (("owner", owner), ("admin", admin), ("viewer", viewer))}
    for one in (viewer, member):
        assert one.ask("GET", "/api/members").status == 403
        assert one.ask("PATCH", f"/api/members/{me['viewer']}", {"role": "owner"}).status == 403
    assert admin.ask("PATCH", f"/api/members/{me['owner']}", {"disabled": True}).status == 403
    assert admin.ask("PATCH", f"/api/members/{me['admin']}", {"role": "owner"}).status == 403
    assert admin.ask("PATCH", f"/api/members/{me['viewer']}", {"disabled": True}).status == 200
    assert viewer.ask("GET", "/api/me").status == 401  # at once


def test_a_member_sees_one_account_and_a_viewer_changes_nothing(installation: Installation, owner: Browser) -> None:
    ours = installation.base_url
    name = f"acme-{secrets.token_hex(4)}"
    installation.run("accounts", "create", "--name", name)
    member, viewer = joined(installation, "member", "--account", name), joined(installation, "viewer", "--account", name)
    foreign = owner.ask("POST", "/api/keys", {"name": "theirs", "book": "test"}, origin=ours).json
    own = member.ask("POST", "/api/keys", {"name": "own", "book": "test"}, origin=ours).json
    for one in (member, viewer):
        assert [key["id"] for key in one.ask("GET", "/api/keys").json["data"]] == [own["id"]]
        assert one.ask("GET", f"/api/keys?account={foreign['account']}").status == 403
        assert one.ask("GET", f"/api/keys/{foreign['id']}").status == 404
        assert one.ask("POST", f"/api/keys/{foreign['id']}/rotate", {}, origin=ours).status == (404 if one is member else 403)
        assert one.ask("POST", "/api/keys", {"name": "x", "account": foreign["account"]}, origin=ours).status == 403
    assert viewer.ask("POST", "/api/keys", {"name": "x"}, origin=ours).status == 403
    assert viewer.ask("DELETE", f"/api/keys/{own['id']}", origin=ours).status == 403
    refused = member.ask("DELETE", f"/api/keys/{own['id']}", origin="https://evil.example")
    assert (refused.status, refused.code) == (403, "foreign_origin")
    assert member.ask("GET", f"/api/keys/{own['id']}").json["state"] == "active"
    assert {foreign["id"], own["id"]} <= {key["id"] for key in owner.ask("GET", "/api/keys?limit=200").json["data"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/nothing", None, 404),
        ("GET", "/api/", None, 404),
        ("PUT", "/api/me", {}, 405),
        ("POST", "/api/session", [], 400),
        ("POST", "/api/session", {"email": 1, "password": "x"}, 400),
        ("POST", "/api/session", {"email": "a@b.example", "password": "x" * 2000}, 400),
        ("POST", "/api/session", {"email": "\ud800", "password": "x"}, 400),
        ("POST", "/api/join", {"token": "t", "name": "n", "password": "long enough 1"}, 410),
        ("GET", "/api/members?limit=many", None, 400),
        ("GET", "/api/members?nothing=1", None, 400),
        ("DELETE", "/api/members/none", None, 404),
        ("POST", "/api/members", {"email": "x" * 400}, 400),
    ],
)
def test_what_cannot_be_is_said_clearly(owner: Browser, method: str, path: str, body: Any, status: int) -> None:
    answer = owner.ask(method, path, body)
    assert answer.status == status
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}
    assert "request id: req_" in answer.json["error"]["message"]


def test_a_body_is_bounded(owner: Browser) -> None:
    assert owner.ask("POST", "/api/session", {"email": "x" * 2_000_000}).status == 413


# The system API.


def test_the_system_api_over_http(installation: Installation, owner: Browser) -> None:
    secret = joined(installation, "member").ask("POST", "/api/me/access-key", origin=installation.base_url).json["access_key"]
    program = Browser(installation)

    def ask(method: str, path: str, body: Any = None) -> Reply:
        return program.ask(method, f"/yescale/{path}", body, authorization=f"Bearer {secret}")

    made = ask("POST", "createkey?book=test", {"name": "by program", "remain_quota": 500_000}).json["data"]
    chat = {"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    assert program.ask("POST", "/v1/chat/completions", chat, authorization=f"Bearer {made['key']}").status == 200
    until = time.monotonic() + POSTED_S
    while not (lines := ask("GET", "logs?book=test&token_name=by%20program&type=2").json["data"]) and time.monotonic() < until:
        time.sleep(0.05)
    (line,) = lines
    assert (line["model_name"], line["is_stream"], line["token_id"]) == ("sandbox-chat", True, made["id"])
    assert line["completion_tokens"] > 0
    assert json.loads(line["other"])["request_id"].startswith("req_")
    assert ask("GET", "user?book=test").json["data"]["request_count"] >= 1
    assert ask("DELETE", f"deletekey/{made['id']}").json == {"message": "", "success": True}

    for reply, status in (
        (program.ask("GET", "/yescale/user"), 401),
        (ask("GET", "task"), 400),
        (ask("GET", "nothing"), 404),
        (ask("PUT", "user"), 405),
        (ask("POST", "createkey", []), 400),
        (ask("DELETE", "deletekey/7"), 404),
    ):
        assert reply.status == status
        assert set(reply.json) == {"data", "message", "success"}
        assert (reply.json["data"], reply.json["success"]) == (None, False)
        assert "request id: req_" in reply.json["message"]


# What only a running desk has.


def wait_for_task(browser: Browser, task_id: str) -> Any:
    ends = time.monotonic() + POSTED_S
    while True:
        shown = browser.ask("GET", f"/api/tasks/{task_id}").json
        if shown["finished_at"] is not None or time.monotonic() > ends:
            return shown
        time.sleep(0.1)


def test_from_the_playgrounds_key_to_a_picture_in_the_gallery(installation: Installation) -> None:
    browser = joined(installation, "member")
    ours = installation.base_url
    key = browser.ask("POST", "/api/playground-key", {"book": "test"}, origin=ours).json["secret"]
    programme = Browser(installation)
    bearer = {"authorization": f"Bearer {key}"}
    body = {"model": "kling-v1", "operation": "image", "input": {"prompt": "a red kite"}}
    made = programme.ask("POST", "/v1/tasks", body, **bearer).json
    shown = wait_for_task(browser, made["id"])
    assert (shown["state"], shown["key_name"], shown["prompt"], shown["upstream"]) == ("succeeded", "playground", "a red kite", None)
    with urllib.request.urlopen(shown["outputs"][0]["url"], timeout=60) as picture:
        assert picture.headers["content-type"].startswith("image/")
    refused = browser.ask("POST", f"/api/tasks/{made['id']}/cancel", origin=ours)
    assert (refused.status, refused.code) == (409, "task_not_cancelable")
    assert made["id"] in [task["id"] for task in browser.ask("GET", "/api/tasks?book=test").json["data"]]


def test_a_key_that_is_made_disabled_and_deleted_is_followed_by_relays(owner: Browser, installation: Installation) -> None:
    ours = installation.base_url
    made = owner.ask("POST", "/api/keys", {"name": "app", "book": "test", "limit_nanos": 0}, origin=ours).json
    programme = Browser(installation)

    def chat() -> Reply:
        body = {"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello"}]}
        return programme.ask("POST", "/v1/chat/completions", body, authorization=f"Bearer {made['secret']}")

    def wait_for(status: int) -> Reply:
        ends = time.monotonic() + POSTED_S
        while (reply := chat()).status != status and time.monotonic() < ends:
            time.sleep(0.05)
        return reply

    assert wait_for(429).code == "insufficient_quota"
    owner.ask("PATCH", f"/api/keys/{made['id']}", {"limit_nanos": None}, origin=ours)
    assert wait_for(200).status == 200
    owner.ask("POST", f"/api/keys/{made['id']}/disable", origin=ours)
    assert wait_for(403).code == "disabled_api_key"
    owner.ask("DELETE", f"/api/keys/{made['id']}", origin=ours)
    assert wait_for(401).code == "invalid_api_key"


def test_an_upstream_is_added_tested_and_what_it_serves_is_seen(owner: Browser, installation: Installation) -> None:
    ours = installation.base_url
    nowhere = {
        "provider": "openai",
        "name": "nowhere",
        "base_url": "http://127.0.0.1:9/v1",
        "secrets": ["sk-secret"],
        "models": {"own": "own"},
    }
    added = owner.ask("POST", "/api/upstreams", nowhere, origin=ours)
    assert (added.status, added.json["health"]["state"]) == (201, "idle")
    path = f"/api/upstreams/{added.json['id']}"
    tested = owner.ask("POST", f"{path}/test", origin=ours).json
    assert (tested["ok"], tested["status"]) == (False, None)
    assert "cannot be used" in tested["message"]
    owner.ask("PUT", "/api/prices/own", {"rates": {"input": "1"}}, origin=ours)
    assert "own" in [model["id"] for model in owner.ask("GET", "/api/models").json["data"]]
    assert owner.ask("DELETE", path, origin=ours).status == 204
    assert owner.ask("GET", "/api/events").json["data"][0]["action"] == "remove_upstream"
