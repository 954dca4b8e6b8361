"""A snapshot made ready for the hot path: routes, prices, and for every credential the door it opens."""

from collections.abc import Mapping

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import Provider
from modelgate.core.records import Credential, Snapshot, Upstream
from modelgate.metering.prices import PriceBook, Shipped
from modelgate.routing.table import RouteTable
from modelgate.transport.target import Target, Timeouts, target_of

USER_AGENT = "modelgate"


class Door(msgspec.Struct, frozen=True):
    """How one credential reaches its upstream: where, under which path, with which header lines."""

    target: Target
    base_path: str
    headers: HeaderBlock
    timeouts: Timeouts


class Configuration:
    """One snapshot, compiled. Replaced whole; a request keeps the one it began with."""

    def __init__(
        self, snapshot: Snapshot, *, providers: Mapping[str, Provider], shipped: Shipped, now: float, proxies: Mapping[str, str] | None = None
    ) -> None:
        """`proxies` maps `http` and `https` to a proxy's URL for upstreams on the network.

        Upstreams whose address cannot be read are left out: their `upstreams test` says why.
        """
        self.snapshot = snapshot
        self.prices = PriceBook(shipped, snapshot.prices, snapshot.groups)
        self.doors: dict[tuple[str, str], Door] = {}
        reachable = [u for u in snapshot.upstreams if self._open_doors(u, providers.get(u.provider), now=now, proxies=proxies or {})]
        self.routes = RouteTable(reachable, providers=providers, models_of=self.prices.models_of)

    def door(self, upstream: Upstream, credential: Credential) -> Door:
        """Return the door of a candidate that came from `routes`."""
        return self.doors[upstream.id, credential.id]

    def _open_doors(self, upstream: Upstream, provider: Provider | None, *, now: float, proxies: Mapping[str, str]) -> bool:
        if provider is None:
            return False
        scheme, _, rest = upstream.base_url.partition("://")
        path = "/" + rest.partition("/")[2].rstrip("/") if "/" in rest else ""
        try:
            target = target_of(
                upstream.base_url, socket=upstream.socket, ca_file=upstream.ca_file, proxy="" if upstream.socket else proxies.get(scheme, "")
            )
            for credential in upstream.credentials:
                signed = provider.sign(credential.secret, now)
                headers = HeaderBlock.of(*signed, ("content-type", "application/json"), ("user-agent", USER_AGENT))
                timeouts = Timeouts(head_s=upstream.timeout_s)
                self.doors[upstream.id, credential.id] = Door(target, path, headers, timeouts)
        except ValueError:
            return False
        return True
