"""Whether a call from a vendor is the vendor's own: its signature, held against the public keys that the vendor shows."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog

from modelgate.core.clock import Clock
from modelgate.core.errors import Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock
from modelgate.core.providers import CallbackProof, Provider, SignedCall
from modelgate.core.records import Task, Upstream
from modelgate.tasks.calls import ProxyFor, no_proxy, way_to
from modelgate.tasks.outputs import Fetcher
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Target

KEYS_KEPT_S = 86_400.0
"""How long a set of keys is used: vendors ask for no more than a day."""
KEYS_APART_S = 60.0
"""A set is not fetched again sooner than this, whatever comes signed with a key that is not in it."""
KEYS_TIMEOUT_S = 5.0
MAX_KEYS_BYTES = 64 * 1024
MAX_KEYS = 16
MAX_SETS = 100
KEY_BYTES = 32

_log = structlog.get_logger("callbacks")


class _Key(msgspec.Struct):
    kty: str = ""
    crv: str = ""
    x: str = ""


class _KeySet(msgspec.Struct):
    keys: list[_Key] = []


_decode_set = msgspec.json.Decoder(_KeySet).decode


class Proofs(Protocol):
    """What is asked of the proofs of calls."""

    async def check(self, task: Task, headers: HeaderBlock, body: bytes | bytearray) -> None:
        """Return when a call about a task is its vendor's, as far as that vendor proves it.

        Raises:
            UnknownPath: it is not signed as the vendor signs, or too long ago.
            Overloaded: the vendor's keys are not to be had now.
        """
        ...


class SignatureProofs:
    """`Proofs` by what providers say."""

    def __init__(
        self,
        *,
        upstreams: Callable[[], Iterable[Upstream]],
        providers: Mapping[str, Provider],
        fetcher: Fetcher,
        clock: Clock,
        proxy_for: ProxyFor = no_proxy,
    ) -> None:
        self._upstreams = upstreams
        self._providers = providers
        self._proxy_for = proxy_for
        self._clock = clock
        self._sets = KeySets(fetcher, clock=clock)

    async def check(self, task: Task, headers: HeaderBlock, body: bytes | bytearray) -> None:
        upstream = next((upstream for upstream in self._upstreams() if upstream.id == task.upstream), None)
        provider = self._providers.get(upstream.provider) if upstream is not None else None
        if upstream is None or provider is None or provider.callback_proof is None:
            return  # the token in the address is all there is
        proof = provider.callback_proof
        signed = proof.read(headers, body)
        trouble = ""
        if signed is None:
            trouble = "it is not signed"
        elif abs(self._clock() - signed.made_at) > proof.tolerance_s:
            trouble = "it was signed too long ago, or this machine's clock is wrong"
        elif not await self._is_signed(signed, *self._keys_at(proof, provider, upstream)):
            trouble = "no key of the vendor's made its signature"
        if trouble:
            _log.warning("callback_unproven", task=task.id, upstream=task.upstream, reason=trouble)
            raise UnknownPath

    def _keys_at(self, proof: CallbackProof, provider: Provider, upstream: Upstream) -> tuple[str, Mapping[str, Target]]:
        """Return the address of the keys that are an upstream's, and the way there where that is the operator's own word."""
        if not upstream.socket and urlsplit(upstream.base_url).hostname == urlsplit(provider.base_url).hostname:
            return proof.keys_url, {}
        target = way_to(upstream, self._proxy_for)
        return upstream.base_url.rstrip("/") + proof.keys_path, {target.origin: target}

    async def _is_signed(self, signed: SignedCall, url: str, exempt: Mapping[str, Target]) -> bool:
        keys = await self._sets.keys(url, exempt)
        if _is_made_by(keys, signed):
            return True
        newer = await self._sets.keys(url, exempt, max_age_s=KEYS_APART_S)
        return newer is not keys and _is_made_by(newer, signed)


class _Known(msgspec.Struct):
    """One set of keys. `fetched_at` 0: never."""

    lock: asyncio.Lock
    keys: tuple[bytes, ...] = ()
    fetched_at: float = 0.0
    tried_at: float = 0.0


class KeySets:
    """Sets of public keys by their addresses, each fetched once for all who wait for it, and kept."""

    def __init__(self, fetcher: Fetcher, *, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def keys(self, url: str, exempt: Mapping[str, Target], *, max_age_s: float = KEYS_KEPT_S) -> tuple[bytes, ...]:
        """Return the Ed25519 keys at an address, fetched less than `max_age_s` ago if that can be had, and never `KEYS_KEPT_S` ago.

        Raises:
            Overloaded: there are none.
        """
        known = self._known.get(url)
        if known is None:
            if len(self._known) >= MAX_SETS:
                self._known.pop(next(iter(self._known)))
            known = self._known[url] = _Known(lock=asyncio.Lock())
        async with known.lock:
            now = self._clock()
            if now - known.fetched_at >= max_age_s and now - known.tried_at >= KEYS_APART_S:
                known.tried_at = now
                await self._fetch(known, url, exempt)
            if now - known.fetched_at >= KEYS_KEPT_S:
                raise Overloaded(retry_after_s=KEYS_APART_S)
            return known.keys

    async def _fetch(self, known: _Known, url: str, exempt: Mapping[str, Target]) -> None:
        try:
            fetched = await self._fetcher.fetch(url, max_bytes=MAX_KEYS_BYTES, timeout_s=KEYS_TIMEOUT_S, content_types=None, exempt=exempt)
            known.keys = parse_keys(fetched.body)
            known.fetched_at = known.tried_at
        except (TransportError, ValueError) as error:
            _log.warning("callback_keys_not_fetched", url=url, reason=str(error))


def parse_keys(body: bytes) -> tuple[bytes, ...]:
    """Return the Ed25519 keys of a JWKS. Raises ValueError: it has none."""
    try:
        found = _decode_set(body).keys[:MAX_KEYS]
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no set of keys: {error}") from error
    keys = tuple(key for one in found if (one.kty, one.crv) == ("OKP", "Ed25519") and (key := _raw_of(one.x)) is not None)
    if not keys:
        raise ValueError("a set without an Ed25519 key")
    return keys


def _raw_of(x: str) -> bytes | None:
    try:
        raw = urlsafe_b64decode(x + "=" * (-len(x) % 4))
    except ValueError:
        return None
    return raw if len(raw) == KEY_BYTES else None


def _is_made_by(keys: tuple[bytes, ...], signed: SignedCall) -> bool:
    # Megabytes of memory that a server needs only once a vendor calls that signs.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signed.signature, signed.message)
        except InvalidSignature:
            continue
        return True
    return False
