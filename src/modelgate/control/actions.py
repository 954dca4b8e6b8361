"""One call of the account API: found by method and path, signed in, permitted, decoded, answered, encoded."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from modelgate.control.errors import ForeignOrigin, SignInNeeded
from modelgate.core.clock import Clock
from modelgate.core.endpoints import Endpoint
from modelgate.core.errors import InvalidRequest, MethodNotAllowed, PermissionDenied, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.members import Member
from modelgate.formats.json_fields import MISSING, convert_field, decode_fields
from modelgate.identity.roles import Permission, may, sees_all_accounts

MAX_QUERY_FIELDS = 40
NO_STORE = HeaderBlock.of(("content-type", "application/json"), ("cache-control", "no-store"))

_READING = ("GET", "HEAD")


class Call:
    """What an action is given: the request, who asks, and what came with it, decoded as the endpoint declares."""

    def __init__(self, request: HttpRequest, *, member: Member | None, values: dict[str, str], query: Any, body: Any, now: float) -> None:
        self.request = request
        self.who = member
        self.values = values
        self.query = query
        self.body = body
        self.now = now

    @property
    def member(self) -> Member:
        """Who asks. Only actions without a permission are called without anybody."""
        if self.who is None:
            raise SignInNeeded
        return self.who

    def account(self, asked: str = "") -> str:
        """Return the one account the call is about: the asked one, else the member's own.

        Raises:
            PermissionDenied: it is not the member's, and they do not see others.
        """
        if asked and asked != self.member.account and not sees_all_accounts(self.member):
            raise PermissionDenied("You see only your own account.")
        return asked or self.member.account

    def scope(self, asked: str = "") -> str:
        """Return the account to look through, empty for all: what was asked for, else all that the member sees.

        Raises:
            PermissionDenied: as `account`.
        """
        if not asked and sees_all_accounts(self.member):
            return ""
        return self.account(asked)


Handle = Callable[[Call], Awaitable[msgspec.Struct | HttpResponse | None]]
"""None is answered with 204."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with what answers it. `permission` None: nobody needs to be signed in. `status` is that of success.

    `lenient`: parameters of the query that are not known are passed over, as clients of somebody else's API expect.
    """

    endpoint: Endpoint
    handle: Handle
    permission: Permission | None = "read"
    status: int = 200
    lenient: bool = False


def answer_with(body: msgspec.Struct, *, status: int = 200, cookie: str) -> HttpResponse:
    """Return an answer that also sets a cookie."""
    headers = HeaderBlock.of(("content-type", "application/json"), ("cache-control", "no-store"), ("set-cookie", cookie))
    return HttpResponse(status=status, headers=headers, body=msgspec.json.encode(body))


class SignedIn(msgspec.Struct, frozen=True):
    """Who sent a request, and whether by the browser's cookie, which pages of other sites could have it send too."""

    member: Member
    by_cookie: bool


Recognise = Callable[[HttpRequest], Awaitable[SignedIn | None]]
"""Raises AuthenticationError for an access key or a cookie that is nobody's (any more)."""


class Door:
    """`handle` answers every path of the actions it was given. `origins` are this server's own, as browsers spell them."""

    def __init__(self, actions: Iterable[Action], *, recognise: Recognise, origins: frozenset[str], clock: Clock) -> None:
        self._recognise = recognise
        self._origins = origins
        self._clock = clock
        self._actions = [(tuple(action.endpoint.path.strip("/").split("/")), action) for action in actions]
        requests = (action.endpoint.request for _, action in self._actions)
        self._decoders = {kind: msgspec.json.Decoder(kind) for kind in requests if kind is not None}

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one call.

        Raises:
            UnknownPath, MethodNotAllowed: no such action. SignInNeeded, PermissionDenied, ForeignOrigin: not for this caller.
            InvalidRequest: the query or the body is not what the endpoint takes.
        """
        action, values = self._find(request)
        signed_in = await self._recognise(request) if action.permission is not None else None
        if action.permission is not None:
            if signed_in is None:
                raise SignInNeeded
            if not may(signed_in.member, action.permission):
                raise PermissionDenied(f"Your role is {signed_in.member.role}; this needs the permission `{action.permission}`.")
        if request.method not in _READING and (signed_in is None or signed_in.by_cookie):
            self._check_origin(request)
        _refuse_nul(request)
        call = Call(
            request,
            member=signed_in.member if signed_in else None,
            values=values,
            query=_query_of(request, action.endpoint, lenient=action.lenient),
            body=self._body_of(request, action.endpoint),
            now=self._clock(),
        )
        answer = await action.handle(call)
        if isinstance(answer, HttpResponse):
            return answer
        if answer is None:
            return HttpResponse(status=204, headers=HeaderBlock.of(("cache-control", "no-store")), body=b"")
        return HttpResponse(status=action.status, headers=NO_STORE, body=msgspec.json.encode(answer))

    def _body_of(self, request: HttpRequest, endpoint: Endpoint) -> Any:
        if endpoint.request is None:
            return None
        return decode_fields(self._decoders[endpoint.request], request.body or b"{}", say=_say)

    def _find(self, request: HttpRequest) -> tuple[Action, dict[str, str]]:
        segments = tuple(request.path.strip("/").split("/"))
        method = "GET" if request.method == "HEAD" else request.method
        allowed: set[str] = set()
        best: tuple[Action, dict[str, str]] | None = None
        for pattern, action in self._actions:
            values = _match(pattern, segments)
            if values is None:
                continue
            allowed.add(action.endpoint.method)
            if action.endpoint.method == method and (best is None or len(values) < len(best[1])):  # `/keys/usage` before `/keys/{key}`
                best = action, values
        if best is not None:
            return best
        if allowed:
            raise MethodNotAllowed(allowed=tuple(sorted(allowed)))
        raise UnknownPath(f"There is nothing at {request.path[:200]}.")

    def _check_origin(self, request: HttpRequest) -> None:
        """Browsers name the page's origin with every request that changes something; other programs need not."""
        origin = request.headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") not in self._origins_of(request):
            raise ForeignOrigin
        if request.headers.get(b"sec-fetch-site") not in (None, b"same-origin", b"none"):
            raise ForeignOrigin

    def _origins_of(self, request: HttpRequest) -> frozenset[str]:
        # A server reached by another name than its own, such as localhost: then the page's host is the one in Host.
        host = (request.headers.get(b"host") or b"").decode("latin-1")
        return self._origins | {f"http://{host}", f"https://{host}"}


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    values = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not segment:
                return None
            values[wanted[1:-1]] = unquote(segment)
        elif wanted != segment:
            return None
    return values


def _refuse_nul(request: HttpRequest) -> None:
    """Raise InvalidRequest for texts with the character NUL: one of the databases keeps none, and nobody means it."""
    if "%00" in request.path or "%00" in request.query or b"\\u0000" in request.body:
        raise InvalidRequest("A text holds the character NUL.", code="invalid_value")


def _query_of(request: HttpRequest, endpoint: Endpoint, *, lenient: bool) -> Any:
    if endpoint.query is None:
        return None
    try:
        pairs = parse_qsl(request.query, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise InvalidRequest(f"The query has more than {MAX_QUERY_FIELDS} parameters.") from None
    known = endpoint.query.__struct_fields__
    for name, _ in pairs:
        if name not in known and not lenient:
            raise InvalidRequest(f"There is no parameter {name[:60]!r} here; there are: {', '.join(known)}.", param=name[:60])
    return convert_field(dict(pairs), endpoint.query, at="", say=_say, strict=False)


def _say(field: str | None, reason: str) -> str:
    if field is None:
        return f"The body is not the JSON that this takes: {reason}."
    return f"{field} is missing." if reason == MISSING else f"{field}: {reason}."
