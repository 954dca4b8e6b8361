"""The secret in a request, its digest, and what the key behind it may do. No I/O."""

from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote_plus

from modelgate.core.errors import DisabledKey, ExpiredKey, ForeignAddress, InvalidKey, MissingKey, ModelNotAllowed
from modelgate.core.http import HeaderBlock
from modelgate.core.ids import new_id, new_secret
from modelgate.core.money import Book
from modelgate.core.records import ApiKey

MAX_SECRET_BYTES = 512
"""Longer ones are nobody's key, and are not looked up."""
ANY_END = "*"
"""At the end of a name in a key's list of models: every model that begins with what is before it."""
PARSED_IP_LISTS = 4096

_SCHEME = b"bearer "
_KEY_HEADERS = (b"x-api-key", b"x-goog-api-key", b"mj-api-secret", b"api-key")
_QUERY_NAME = "key"
_NO_SECRETS = (b"", b"bearer", b"midjourney-proxy")
"""What stands in `Authorization` where the key stands elsewhere: Midjourney clients send the name of their proxy."""

Network = IPv4Network | IPv6Network


def secret_from(headers: HeaderBlock, query: str = "") -> str:
    """Return the secret of a request, wherever its dialect puts it.

    In this order: `Authorization` (scheme `Bearer` in any case, or the bare key), `x-api-key`, `x-goog-api-key`, `mj-api-secret`
    (with or without `Bearer`), `api-key`, and the query parameter `key`.

    Raises:
        MissingKey: there is none.
        InvalidKey: it is longer than any key.
    """
    value = headers.get(b"authorization")
    if value and value[:7].lower() == _SCHEME:
        secret = value[7:].strip()
        if secret.lower() in _NO_SECRETS:
            secret = _elsewhere(headers, query)
    else:
        secret = _elsewhere(headers, query) if not value or value.lower() in _NO_SECRETS else value
    if not secret:
        raise MissingKey
    if len(secret) > MAX_SECRET_BYTES:
        raise InvalidKey
    return secret.decode("latin-1")


def _elsewhere(headers: HeaderBlock, query: str) -> bytes:
    for name in _KEY_HEADERS:
        value = headers.get(name)
        if value:
            return value[7:].strip() if value[:7].lower() == _SCHEME else value
    for part in query.split("&"):
        parameter, _, text = part.partition("=")
        if parameter == _QUERY_NAME and text:
            return unquote_plus(text).encode()
    return b""


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret in hex: all that is ever stored or compared."""
    return sha256(secret.encode()).hexdigest()


def hint_of(secret: str) -> str:
    """Return what is kept of a secret for people to tell keys apart: `sk-live-…a1b2`."""
    return f"{secret[:8]}…{secret[-4:]}"


def new_key(*, account: str, book: Book, name: str) -> tuple[str, ApiKey]:
    """Return a fresh secret, to be shown once, and the key behind it, without limits."""
    secret = new_secret(test=book == "test")
    return secret, ApiKey(id=new_id("key"), account=account, book=book, name=name, digest=digest_of(secret), hint=hint_of(secret))


def check_key(key: ApiKey, *, now: float, client: str) -> None:
    """Check that a key may be used now and from the address `client`.

    Raises:
        DisabledKey, ExpiredKey, ForeignAddress: in this order.
    """
    if key.disabled:
        raise DisabledKey
    if key.expires_at is not None and now >= key.expires_at:
        raise ExpiredKey
    if key.ips and not _is_inside(client, key.ips):
        raise ForeignAddress


def check_model(key: ApiKey, model: str) -> None:
    """Check that a key may use a model, by the name callers use.

    Raises:
        ModelNotAllowed: it is not in the key's list.
    """
    if key.models and not may_use(key, model):
        raise ModelNotAllowed(param="model")


def may_use(key: ApiKey, model: str) -> bool:
    """Say whether a key's list has a model, by its name or by a beginning such as `gpt-*`; a list without names has all."""
    return not key.models or model in key.models or any(name[-1:] == ANY_END and model.startswith(name[:-1]) for name in key.models)


def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks of addresses or networks as people write them (`10.0.0.0/8`, `2001:db8::1`).

    Raises:
        ValueError: one of them is neither; the text says which.
    """
    networks = []
    for text in texts:
        try:
            networks.append(_unmapped(ip_network(text.strip(), strict=False)))
        except ValueError:
            raise ValueError(f"{text!r} is not an IP address or network, such as 192.0.2.7 or 10.0.0.0/8") from None
    return tuple(networks)


_networks_of = lru_cache(PARSED_IP_LISTS)(parse_networks)  # a pure function: what it keeps is only work saved


def _unmapped(network: Network) -> Network:
    # ::ffff:10.0.0.0/104 means 10.0.0.0/8: a server that listens on IPv6 sees its IPv4 clients in this form.
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped is not None:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _is_inside(client: str, ips: tuple[str, ...]) -> bool:
    try:
        address = ip_address(client.partition("%")[0])  # without the zone of a link-local address
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _networks_of(ips))
