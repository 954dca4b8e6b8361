"""How often passwords and codes may be tried, kept in memory: for each person from one address, for each person, for each address."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from modelgate.core.clock import Clock
from modelgate.core.errors import RateExceeded

MAX_TRACKED = 30_000
IPV6_PREFIX_BITS = 64
"""What one customer of a provider has to choose addresses from."""


class Bound(NamedTuple):
    """So many tries at once, and as many again in each window."""

    tries: int
    window_s: float


EMAIL_FROM_ADDRESS = Bound(10, 15 * 60.0)
EMAIL = Bound(100, 3600.0)
"""From wherever: higher, because whoever knows an email could otherwise lock its owner out from afar."""
ADDRESS = Bound(50, 15 * 60.0)
SIGN_UPS = Bound(5, 3600.0)
"""Accounts that one address may make."""
REDEMPTIONS = Bound(10, 600.0)
"""Codes that are not known, from one member."""


class Attempts:
    """Counts tries. Each counter is one number: when all its tries would be there again."""

    def __init__(self, clock: Clock, *, max_tracked: int = MAX_TRACKED) -> None:
        self._clock = clock
        self._max_tracked = max_tracked
        self._full_at: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def take_sign_in(self, email: str, client: str) -> None:
        """Count one try.

        Raises:
            RateExceeded: not now; then nothing is counted.
        """
        self._take(_of_sign_in(email, client), "Too many attempts to sign in.")

    def give_back_sign_in(self, email: str, client: str) -> None:
        """Uncount one try that was right."""
        for key, bound in _of_sign_in(email, client):
            self._give_back(key, bound)

    def take_sign_up(self, client: str) -> None:
        """Count one new account.

        Raises:
            RateExceeded: not now.
        """
        self._take(((("sign up", network_of(client)), SIGN_UPS),), "Too many accounts were made from your address.")

    def take_redemption(self, member: str) -> None:
        """Count one code that somebody brought.

        Raises:
            RateExceeded: not now.
        """
        self._take(((("redemption", member), REDEMPTIONS),), "Too many codes were not known.")

    def give_back_redemption(self, member: str) -> None:
        """Uncount one code that was known."""
        self._give_back(("redemption", member), REDEMPTIONS)

    def _give_back(self, key: tuple[str, ...], bound: Bound) -> None:
        if key in self._full_at:
            self._full_at[key] -= bound.window_s / bound.tries

    def _take(self, counters: tuple[tuple[tuple[str, ...], Bound], ...], text: str) -> None:
        now = self._clock()
        after = {}
        for key, bound in counters:
            after[key] = max(self._full_at.get(key, now), now) + bound.window_s / bound.tries
            if after[key] - now > bound.window_s:
                wait_s = after[key] - now - bound.window_s
                raise RateExceeded(f"{text} Try again in {_spoken(wait_s)}.", dimension="requests", retry_after_s=wait_s)
        for key, full_at in after.items():
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        while len(self._full_at) > self._max_tracked:
            self._full_at.popitem(last=False)


def network_of(client: str) -> str:
    """Return what is counted as one address: IPv4 as it is, of IPv6 the network."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))
    return str(address)


def _of_sign_in(email: str, client: str) -> tuple[tuple[tuple[str, ...], Bound], ...]:
    network = network_of(client)
    return ((("both", email, network), EMAIL_FROM_ADDRESS), (("email", email), EMAIL), (("address", network), ADDRESS))


def _spoken(wait_s: float) -> str:
    return f"{max(1, round(wait_s))} s" if wait_s < 90 else f"{round(wait_s / 60)} minutes"
