"""Upstreams found in the environment: each provider names the variables that its users have set anyway."""

from collections.abc import Mapping

import msgspec

from modelgate.core.ids import new_id
from modelgate.core.providers import Provider
from modelgate.core.records import Credential, Upstream

JOIN = "|"
"""Between variables that make one secret together, such as Kling's access key and secret key."""


class FoundUpstream(msgspec.Struct, frozen=True):
    """An upstream to add, and the variables it was made of."""

    upstream: Upstream
    origin: str


def find_upstreams(providers: Mapping[str, Provider], environment: Mapping[str, str]) -> tuple[FoundUpstream, ...]:
    """Return the upstreams the environment speaks of, by provider name.

    A provider that wants a secret is found by its secret; one that hosts itself (`self_hosted`), by its address.
    """
    found = (_found(provider, environment) for _, provider in sorted(providers.items()))
    return tuple(one for one in found if one is not None)


def _found(provider: Provider, environment: Mapping[str, str]) -> FoundUpstream | None:
    secret_from, secret = _first(provider, "secret", environment)
    base_url_from, base_url = _first(provider, "base_url", environment)
    self_hosted = provider.quirks.self_hosted
    if not secret and not (self_hosted and base_url):
        return None
    if not (base_url or provider.base_url):  # a vendor at which everybody has an address of his own
        return None
    upstream = Upstream(
        id=new_id("up"),
        name=provider.name,
        provider=provider.name,
        base_url=base_url_of(base_url, provider) if base_url else provider.base_url,
        book="live",
        credentials=(Credential(id=new_id("cred"), secret=secret),),
        free=self_hosted,
    )
    return FoundUpstream(upstream, " and ".join(name for name in (secret_from, base_url_from) if name))


def _first(provider: Provider, holds: str, environment: Mapping[str, str]) -> tuple[str, str]:
    for variables, held in provider.environment.items():
        names = variables.split(JOIN)
        values = [environment.get(name, "").strip() for name in names]
        if held == holds and all(values):
            return " and ".join(names), JOIN.join(values)
    return "", ""


def base_url_of(text: str, provider: Provider) -> str:
    """Return a base URL as the provider's clients take it: scheme, port and path may be missing, and `0.0.0.0` means here."""
    scheme, separator, rest = text.rpartition("://")
    default_scheme, _, default_rest = provider.base_url.partition("://")
    host, slash, path = rest.partition("/")
    if not separator and ":" in default_rest.partition("/")[0] and ":" not in host.rpartition("]")[2]:
        host += ":" + default_rest.partition("/")[0].rpartition(":")[2]
    host = host.replace("0.0.0.0", "127.0.0.1", 1) if host.startswith("0.0.0.0") else host
    tail = (slash + path).rstrip("/") or provider.quirks.base_path
    return f"{scheme or default_scheme or 'https'}://{host}{tail}"
