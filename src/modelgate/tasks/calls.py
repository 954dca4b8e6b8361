"""One HTTP call to a vendor on behalf of a task."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.http import HeaderBlock
from modelgate.core.providers import Provider, UpstreamCall
from modelgate.core.records import Credential, Upstream
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Target, Timeouts, target_of

CALL_MARGIN_S = 30.0
"""What reading an answer may take after its head has come."""
MAX_CALLS_AT_ONCE = 64
"""Calls that one process makes to one upstream at the same time; others wait their turn."""
MAX_CALL_S = 180.0
"""The longest a call may take as a whole; shorter than the lease of whoever makes it."""
HEAD_TIMEOUT_S = 60.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Vendors answer with addresses; a picture inside the answer still fits."""
SIGNED_FOR_S = 25 * 60.0
"""Signed headers are made anew after this; vendors' tokens live half an hour."""
MAX_SIGNED = 1_000
UNAUTHORIZED = 401
NOT_FOUND = 404
USER_AGENT = ("user-agent", "modelgate")


class CallAnswer(msgspec.Struct, frozen=True):
    """What the vendor said, whole."""

    status: int
    headers: HeaderBlock
    body: bytes


class CallFailed(Exception):
    """No whole answer came. `sent` False: the vendor surely saw nothing of the call."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class Caller(Protocol):
    """Makes one call at one upstream, never twice."""

    async def call(
        self, upstream: Upstream, credential: Credential, call: UpstreamCall, *, timeout_s: float = HEAD_TIMEOUT_S
    ) -> CallAnswer:
        """Return the answer, whose head may take `timeout_s`. Raises CallFailed."""
        ...


class Response(Protocol):
    """An answer whose body is on its way."""

    status: int
    headers: HeaderBlock

    async def read(self, limit: int) -> bytes: ...


class Sender(Protocol):
    """What is used of `transport.client.Transport`."""

    async def send(self, target: Target, *, method: str, path: str, headers: HeaderBlock, body: bytes, timeouts: Timeouts) -> Response: ...


ProxyFor = Callable[[str], str]
"""Returns the URL of the proxy for a base URL; empty: none."""


def no_proxy(_base_url: str) -> str:
    """Every upstream is reached directly."""
    return ""


def way_to(upstream: Upstream, proxy_for: ProxyFor) -> Target:
    """Return how an upstream is reached. Raises ValueError for a bad address."""
    proxy = "" if upstream.socket else proxy_for(upstream.base_url)
    return target_of(upstream.base_url, socket=upstream.socket, ca_file=upstream.ca_file, proxy=proxy)


class TransportCaller:
    """`Caller` over the transport: signs, sends once, reads the whole answer within named bounds."""

    def __init__(self, sender: Sender, *, providers: Mapping[str, Provider], clock: Clock, proxy_for: ProxyFor = no_proxy) -> None:
        self._sender = sender
        self._providers = providers
        self._clock = clock
        self._proxy_for = proxy_for
        self._busy: dict[str, asyncio.Semaphore] = {}  # at most one for each upstream that ever was
        self._signed: dict[tuple[str, str, str], tuple[float, tuple[tuple[str, str], ...]]] = {}

    async def call(
        self, upstream: Upstream, credential: Credential, call: UpstreamCall, *, timeout_s: float = HEAD_TIMEOUT_S
    ) -> CallAnswer:
        """Make the call. Raises CallFailed, which says whether it was sent."""
        sent, whole_s = False, min(timeout_s + CALL_MARGIN_S, MAX_CALL_S)
        try:
            target = self._target(upstream, call.host)
            base_path = _base_path(upstream.base_url)
            headers = HeaderBlock.of(*self._sign(upstream, credential), *call.headers, USER_AGENT)
            timeouts = Timeouts(head_s=min(upstream.timeout_s, timeout_s))
            async with self._place_at(upstream), asyncio.timeout(whole_s):
                sent = True  # from here on a cancelled or timed out call may have been heard
                for path in filter(None, (call.path, call.otherwise)):
                    response = await self._sender.send(
                        target, method=call.method, path=base_path + path, headers=headers, body=call.body, timeouts=timeouts
                    )
                    answer = CallAnswer(response.status, response.headers, await response.read(MAX_ANSWER_BYTES))
                    if answer.status != NOT_FOUND:
                        break
                if answer.status == UNAUTHORIZED:  # its clock is not ours, perhaps: the next try is signed anew
                    self._signed.pop(_signature_of(upstream, credential), None)
                return answer
        except TransportError as error:
            raise CallFailed(str(error), sent=error.sent) from error
        except TimeoutError as error:
            raise CallFailed(f"no answer within {whole_s:.0f} s", sent=True) from error
        except ValueError as error:
            raise CallFailed(str(error), sent=sent) from error

    def _place_at(self, upstream: Upstream) -> asyncio.Semaphore:
        """Return what bounds the calls to an upstream."""
        place = self._busy.get(upstream.id)
        if place is None:
            place = self._busy[upstream.id] = asyncio.Semaphore(MAX_CALLS_AT_ONCE)
        return place

    def _target(self, upstream: Upstream, host: str) -> Target:
        """Return where a call goes: to the upstream, or to another host of its vendor that an answer named.

        The credential goes along, so a host is believed only under the vendor's own domain, and only where the upstream is the vendor.
        """
        if not host or upstream.socket or not self._are_the_vendors(upstream, host):
            return way_to(upstream, self._proxy_for)
        origin = f"https://{host}"
        return target_of(origin, ca_file=upstream.ca_file, proxy=self._proxy_for(origin))

    def _are_the_vendors(self, upstream: Upstream, host: str) -> bool:
        provider, own = self._providers.get(upstream.provider), urlsplit(upstream.base_url)
        domain = "." + (urlsplit(provider.base_url).hostname or "").partition(".")[2] if provider is not None else "."
        return own.scheme == "https" and "." in domain[1:] and (own.hostname or "").endswith(domain) and host.endswith(domain)

    def _sign(self, upstream: Upstream, credential: Credential) -> tuple[tuple[str, str], ...]:
        """Return the authentication headers of a credential, made at most once in `SIGNED_FOR_S`."""
        key, now = _signature_of(upstream, credential), self._clock()
        known = self._signed.get(key)
        if known is not None and 0 <= now - known[0] < SIGNED_FOR_S:
            return known[1]
        provider = self._providers.get(upstream.provider)
        if provider is None:
            raise ValueError(f"no provider {upstream.provider!r}")
        if len(self._signed) >= MAX_SIGNED:
            self._signed.pop(next(iter(self._signed)))
        headers = provider.sign(credential.secret, now)
        self._signed[key] = (now, headers)
        return headers


def _signature_of(upstream: Upstream, credential: Credential) -> tuple[str, str, str]:
    return upstream.provider, credential.id, credential.secret


def _base_path(base_url: str) -> str:
    rest = base_url.partition("://")[2]
    return ("/" + rest.partition("/")[2]).rstrip("/")
