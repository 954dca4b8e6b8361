"""Fetching from, and posting to, URLs that strangers wrote: callers, and vendors in their answers.

The name is resolved here, every address it has must be public, and the connection goes to one of the addresses that were checked:
a second look-up could tell something else. Redirects are checked like the first URL. No credentials are sent.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.transport.addresses import is_public
from modelgate.transport.client import Transport
from modelgate.transport.errors import BadResponse, ConnectFailed, ConnectionBroken, TimedOut
from modelgate.transport.response import UpstreamResponse
from modelgate.transport.target import Target, Timeouts, target_of

DEFAULT_PORTS = (80, 443, 8080, 8443)
MAX_URL_LENGTH = 8192
MAX_REDIRECTS = 3
MAX_ADDRESSES = 16
"""A name with more is not tried to the end: the first ones are checked and tried, in order."""
TRIED_ADDRESSES = 3
CONNECT_TIMEOUT_S = 5.0

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_HEADERS = HeaderBlock.of(("Accept", "*/*"), ("User-Agent", "modelgate"))
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"

Resolve = Callable[[str, int], Awaitable[list[str]]]


class UrlRefused(ValueError):
    """The URL is not fetched; the text says why, and may be shown to whoever gave it."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched file. `content_type` as sent, lower case, without parameters; empty when not sent."""

    body: bytes
    content_type: str
    final_url: str


def check_url(url: str, *, ports: tuple[int, ...] = DEFAULT_PORTS) -> Target:
    """Return the target of a URL whose form is acceptable; its name is not resolved yet.

    Raises:
        UrlRefused: not http or https, user information, another port, an address that is not public, too long.
    """
    if len(url) > MAX_URL_LENGTH:
        raise UrlRefused("the URL is too long")
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise UrlRefused("the URL does not start with http:// or https://")
        if parts.username is not None or parts.password is not None or "\\" in url:
            raise UrlRefused("the URL holds user information")
        target = target_of(url)
    except UrlRefused:
        raise
    except ValueError:
        raise UrlRefused("the URL is malformed") from None
    if target.port not in ports:
        raise UrlRefused(f"port {target.port} may not be fetched from")
    if _is_address(target.host) and not is_public(target.host):
        raise UrlRefused("the URL's address is not a public one")
    return target


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


async def resolve_name(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedFetcher:
    """Fetches files by GET for others, and posts to their addresses. `proxy_for` gives the proxy for a base URL; empty: none."""

    def __init__(
        self,
        transport: Transport,
        *,
        ports: tuple[int, ...] = DEFAULT_PORTS,
        resolve: Resolve = resolve_name,
        proxy_for: Callable[[str], str] = lambda _base_url: "",
    ) -> None:
        self._transport = transport
        self._ports = ports
        self._resolve = resolve
        self._proxy_for = proxy_for

    async def fetch(
        self,
        url: str,
        *,
        max_bytes: int,
        timeout_s: float,
        content_types: tuple[str, ...] | None = None,
        exempt: Mapping[str, Target] | None = None,
    ) -> Fetched:
        """Return the file at a URL.

        `content_types`: exact types, or families such as `image/`; None takes any. `exempt` maps an origin (`http://sandbox`) to the
        operator's own target for it; only a URL that begins there may be redirected there.

        Raises:
            UrlRefused: the URL, one it redirects to, or what is there is not acceptable.
            TransportError: it could not be fetched whole within `max_bytes` and `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response, final_url = await self._follow(url, exempt or {})
                return await _take(response, final_url, max_bytes=max_bytes, content_types=content_types)
        except TimeoutError:
            raise TimedOut(f"{_shown(url)}: not fetched within {timeout_s:g} s", phase="body") from None

    async def _follow(self, url: str, exempt: Mapping[str, Target]) -> tuple[UpstreamResponse, str]:
        for _ in range(MAX_REDIRECTS + 1):
            exempt_target = _exempt_target(url, exempt)
            if exempt_target is None:
                exempt = {}  # a stranger's server does not lead back to the operator's own
            response = await self._send(url, exempt_target)
            location = response.headers.get(b"location")
            if response.status not in _REDIRECTS or location is None:
                return response, url
            response.abort()
            url = _redirected(url, location.decode("latin-1"))
        raise UrlRefused(f"the URL redirects more than {MAX_REDIRECTS} times")

    async def post(
        self, url: str, *, headers: HeaderBlock, body: bytes, timeout_s: float, exempt: Mapping[str, Target] | None = None
    ) -> int:
        """Send a body to a URL and return the status of the answer, whose body is not read. Redirects are not followed.

        `exempt` as for `fetch`. A connection kept from before that breaks is replaced once: the receiver may hear the same twice.

        Raises:
            UrlRefused: the URL is not acceptable.
            TransportError: there was no answer within `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                target = _exempt_target(url, exempt or {})
                try:
                    response = await self._send(url, target, method="POST", headers=headers, body=body)
                except ConnectionBroken as error:
                    if not error.reused or error.response_started:
                        raise
                    response = await self._send(url, target, method="POST", headers=headers, body=body)
                response.abort()  # nothing, once the body is whole
                return response.status
        except TimeoutError:
            raise TimedOut(f"{_shown(url)}: no answer within {timeout_s:g} s", phase="head") from None

    async def _send(
        self, url: str, exempt_target: Target | None, *, method: str = "GET", headers: HeaderBlock = _HEADERS, body: bytes = b""
    ) -> UpstreamResponse:
        targets = [exempt_target] if exempt_target is not None else await self._checked(check_url(url, ports=self._ports))
        failed: ConnectFailed | None = None
        for target in targets:
            try:
                timeouts = Timeouts(connect_s=CONNECT_TIMEOUT_S)
                return await self._transport.send(target, method=method, path=_path_of(url), headers=headers, body=body, timeouts=timeouts)
            except ConnectFailed as error:
                failed = error
        assert failed is not None
        raise failed

    async def _checked(self, target: Target) -> list[Target]:
        """Return the target once for each of its addresses, all checked."""
        try:
            addresses = (await self._resolve(target.host, target.port))[:MAX_ADDRESSES]
        except (OSError, UnicodeError):
            raise ConnectFailed(f"{target.origin}: the name has no address") from None
        if not addresses:
            raise ConnectFailed(f"{target.origin}: the name has no address")
        if not all(is_public(address) for address in addresses):
            raise UrlRefused("the URL leads to an address that is not a public one")
        proxy = self._proxy_for(target.origin)
        return [msgspec.structs.replace(target, address=address, proxy=proxy) for address in addresses[:TRIED_ADDRESSES]]


def _exempt_target(url: str, exempt: Mapping[str, Target]) -> Target | None:
    try:
        return exempt.get(target_of(url).origin)
    except ValueError:
        return None


def _redirected(url: str, location: str) -> str:
    new = urljoin(url, location)
    if url.startswith("https:") and not new.startswith("https:"):
        raise UrlRefused("the URL redirects from https to something else")
    return new


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    return f"{path}?{quote(parts.query, safe=_PATH_SAFE + '?')}" if parts.query else path


def _shown(url: str) -> str:
    """A URL fit for logs: its query may hold a signature."""
    return url.partition("?")[0][:200]


async def _take(response: UpstreamResponse, url: str, *, max_bytes: int, content_types: tuple[str, ...] | None) -> Fetched:
    try:
        if response.status != 200:
            raise BadResponse(f"{_shown(url)}: status {response.status}")
        content_type = (response.headers.get(b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if content_types is not None and not any(_fits(content_type, wanted) for wanted in content_types):
            raise UrlRefused(f"what the URL leads to is of type {content_type[:100] or 'unknown'}, which is not taken here")
        if (response.headers.get(b"content-encoding") or b"identity").lower() != b"identity":
            raise UrlRefused("the URL's server compresses what it was not asked to")
        return Fetched(body=await response.read(max_bytes), content_type=content_type, final_url=url)
    finally:
        response.abort()  # nothing, once the body is whole


def _fits(content_type: str, wanted: str) -> bool:
    return content_type.startswith(wanted) if wanted.endswith("/") else content_type == wanted
