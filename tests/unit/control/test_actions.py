"""The door of the account API: who gets in, and what an action is given."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from modelgate.control.actions import MAX_QUERY_FIELDS, Action, Call, Door, SignedIn
from modelgate.control.errors import ForeignOrigin, SignInNeeded
from modelgate.core.endpoints import Endpoint
from modelgate.core.errors import InvalidRequest, MethodNotAllowed, PermissionDenied, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.members import Member, Role
from modelgate.identity.roles import Permission

pytestmark = pytest.mark.anyio

OURS = "https://gateway.example"


class Query(msgspec.Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    after: str = ""
    exact: bool = False


class Body(msgspec.Struct, frozen=True):
    name: str
    amount_nanos: int = 0


class Said(msgspec.Struct, frozen=True):
    said: str


def endpoint(method: str, path: str, *, query: Any = None, request: Any = None) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        name=f"{method} {path}",
        family="account",
        home="desk",
        summary="s",
        description="d",
        query=query,
        request=request,
    )


def member(role: Role = "member", account: str = "acct_a") -> Member:
    return Member(id="mem_1", account=account, role=role, email="a@b.example", name="A")


class House:
    """A door, with the last call kept."""

    def __init__(self, who: Member | None = None, *, by_cookie: bool = True) -> None:
        self.who = who
        self.by_cookie = by_cookie
        self.call: Call | None = None
        self.asked = 0
        actions = (
            self.action("GET", "/api/things", query=Query),
            self.action("GET", "/api/things/{thing}"),
            self.action("GET", "/api/things/newest"),
            self.action("POST", "/api/things", request=Body, permission="use", status=201),
            self.action("DELETE", "/api/things/{thing}", permission="use"),
            self.action("PUT", "/api/settings/{name}", request=Body, permission="own"),
            self.action("POST", "/api/session", request=Body, permission=None),
            self.action("GET", "/api/file"),
            self.action("GET", "/api/lenient", query=Query, lenient=True),
        )
        self.door = Door(actions, recognise=self.recognise, origins=frozenset((OURS,)), clock=lambda: 7.0)

    def action(
        self, method: str, path: str, *, permission: Permission | None = "read", status: int = 200, lenient: bool = False, **types: Any
    ) -> Action:
        async def handle(call: Call) -> msgspec.Struct | HttpResponse | None:
            self.call = call
            if path.endswith("file"):
                return HttpResponse(status=206, headers=HeaderBlock(), body=b"raw")
            return None if method == "DELETE" else Said(f"{method} {path}")

        return Action(endpoint=endpoint(method, path, **types), handle=handle, permission=permission, status=status, lenient=lenient)

    async def recognise(self, _: HttpRequest) -> SignedIn | None:
        self.asked += 1
        return SignedIn(self.who, self.by_cookie) if self.who else None

    async def ask(self, method: str, path: str, *, query: str = "", body: bytes = b"", **headers: str) -> HttpResponse:
        lines = HeaderBlock.of(*((name.replace("_", "-"), value) for name, value in headers.items()))
        return await self.door.handle(HttpRequest(method=method, path=path, query=query, headers=lines, body=body))


# Finding.


async def test_a_call_is_found_and_told_what_the_path_says() -> None:
    house = House(member())
    answer = await house.ask("GET", "/api/things/a%2Fb")
    assert (answer.status, answer.body) == (200, b'{"said":"GET /api/things/{thing}"}')
    assert answer.headers.get(b"cache-control") == b"no-store"
    assert house.call is not None
    assert house.call.values == {"thing": "a/b"}
    assert house.call.now == 7.0


async def test_what_is_said_literally_goes_before_a_placeholder() -> None:
    answer = await House(member()).ask("GET", "/api/things/newest")
    assert answer.body == b'{"said":"GET /api/things/newest"}'


async def test_head_is_answered_as_get() -> None:
    assert (await House(member()).ask("HEAD", "/api/things")).status == 200


@pytest.mark.parametrize("path", ["/api/nothing", "/api/things/a/b", "/api/things//", "/api"])
async def test_an_unknown_path(path: str) -> None:
    house = House(member())
    if path == "/api/things//":  # is /api/things
        assert (await house.ask("GET", path)).status == 200
        return
    with pytest.raises(UnknownPath):
        await house.ask("GET", path)
    assert house.asked == 0


async def test_a_wrong_method_names_the_right_ones() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        await House(member()).ask("PUT", "/api/things")
    assert refused.value.header_lines == b"allow: GET, POST\r\n"


async def test_statuses_of_success() -> None:
    house = House(member())
    assert (await house.ask("POST", "/api/things", body=b'{"name":"n"}')).status == 201
    deleted = await house.ask("DELETE", "/api/things/x")
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await house.ask("GET", "/api/file")).status == 206


# Who.


async def test_nobody_is_asked_to_sign_in() -> None:
    with pytest.raises(SignInNeeded):
        await House().ask("GET", "/api/things")


async def test_an_action_without_permission_is_open_to_all() -> None:
    house = House(member())
    await house.ask("POST", "/api/session", body=b'{"name":"n"}')
    assert house.call is not None
    assert house.call.who is None
    assert house.asked == 0
    with pytest.raises(SignInNeeded):
        _ = house.call.member


@pytest.mark.parametrize(
    ("role", "may_use", "may_own"),
    [("viewer", False, False), ("member", True, False), ("admin", True, False), ("owner", True, True)],
)
async def test_roles_are_told_apart(role: Role, may_use: bool, may_own: bool) -> None:
    house = House(member(role))
    assert (await house.ask("GET", "/api/things")).status == 200
    for path, method, allowed in (("/api/things", "POST", may_use), ("/api/settings/x", "PUT", may_own)):
        if allowed:
            assert (await house.ask(method, path, body=b'{"name":"n"}')).status < 300
        else:
            with pytest.raises(PermissionDenied, match=f"Your role is {role}"):
                await house.ask(method, path, body=b'{"name":"n"}')


async def test_a_refused_caller_is_not_told_what_the_body_should_be() -> None:
    with pytest.raises(PermissionDenied):
        await House(member("viewer")).ask("POST", "/api/things", body=b"not json")


# Other sites.


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://gateway.example.evil.example"},
        {"origin": "https://gateway.example:8443"},
        {"origin": OURS, "sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_page_of_another_site_changes_nothing(headers: dict[str, str], method: str) -> None:
    house = House(member())
    with pytest.raises(ForeignOrigin):
        await house.ask(method, "/api/things" if method == "POST" else "/api/things/x", body=b'{"name":"n"}', **headers)
    assert house.call is None


async def test_a_page_of_another_site_signs_nobody_in() -> None:
    """Signing a victim in to the attacker's account would have them use it."""
    with pytest.raises(ForeignOrigin):
        await House().ask("POST", "/api/session", body=b'{"name":"n"}', origin="https://evil.example")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OURS},
        {"origin": OURS, "sec_fetch_site": "same-origin"},
        {"origin": "http://localhost:8080", "host": "localhost:8080"},
        {"origin": "https://other-name.example", "host": "other-name.example"},
    ],
)
async def test_our_own_pages_and_programs_may(headers: dict[str, str]) -> None:
    assert (await House(member()).ask("POST", "/api/things", body=b'{"name":"n"}', **headers)).status == 201


async def test_an_access_key_may_be_used_from_anywhere() -> None:
    house = House(member(), by_cookie=False)
    assert (await house.ask("POST", "/api/things", body=b'{"name":"n"}', origin="https://evil.example")).status == 201


async def test_reading_is_not_stopped_by_its_origin() -> None:
    assert (await House(member()).ask("GET", "/api/things", origin="https://evil.example")).status == 200


# What comes with it.


async def test_the_query_is_decoded() -> None:
    house = House(member())
    await house.ask("GET", "/api/things", query="limit=7&after=a%20b&exact=true")
    assert house.call is not None
    assert house.call.query == Query(limit=7, after="a b", exact=True)


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=x", "limit"), ("limit=0", "limit"), ("limit=201", "limit"), ("exact=perhaps", "exact"), ("limt=3", "limt")],
)
async def test_a_bad_query_names_the_parameter(query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await House(member()).ask("GET", "/api/things", query=query)
    assert refused.value.param == param


async def test_an_unknown_parameter_is_passed_over_where_clients_expect_it() -> None:
    house = House(member())
    await house.ask("GET", "/api/lenient", query="limt=3&limit=7&group=&channel=2")
    assert house.call is not None
    assert house.call.query == Query(limit=7)
    with pytest.raises(InvalidRequest):
        await house.ask("GET", "/api/lenient", query="limit=x")


async def test_a_query_is_bounded() -> None:
    with pytest.raises(InvalidRequest, match="more than"):
        await House(member()).ask("GET", "/api/things", query="&".join(["limit=1"] * (MAX_QUERY_FIELDS + 1)))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", "name"),
        (b"{}", "name"),
        (b'{"name":1}', "name"),
        (b'{"name":"n","amount_nanos":1.5}', "amount_nanos"),
        (b"[", None),
        (b"\xff", None),
    ],
)
async def test_a_bad_body_names_the_field(body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await House(member()).ask("POST", "/api/things", body=body)
    assert refused.value.param == param


async def test_the_character_nul_is_refused_wherever_it_is() -> None:
    """Symptom: 503 and a stack in the log on Postgres, which keeps no such text."""
    house = House(member())
    for method, path, query, body in (
        ("GET", "/api/things/a%00b", "", b""),
        ("GET", "/api/things", "after=a%00b", b""),
        ("POST", "/api/things", "", b'{"name":"a\\u0000b"}'),
    ):
        with pytest.raises(InvalidRequest, match="NUL"):
            await house.ask(method, path, query=query, body=body)


# Which account.


def call_of(who: Member) -> Call:
    return Call(HttpRequest(method="GET", path="/", headers=HeaderBlock()), member=who, values={}, query=None, body=None, now=0.0)


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_members_see_their_own_account(role: Role) -> None:
    call = call_of(member(role))
    assert (call.account(), call.account("acct_a"), call.scope(), call.scope("acct_a")) == ("acct_a",) * 4
    for look in (call.account, call.scope):
        with pytest.raises(PermissionDenied):
            look("acct_b")


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_admins_see_all(role: Role) -> None:
    call = call_of(member(role))
    assert (call.account(), call.account("acct_b"), call.scope(), call.scope("acct_b")) == ("acct_a", "acct_b", "", "acct_b")
