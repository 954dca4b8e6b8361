"""A new upstream, and what a call to one showed: for the command line and the account API alike."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from modelgate.core.ids import new_id
from modelgate.core.money import Book
from modelgate.core.providers import Provider
from modelgate.core.records import Credential, Upstream

MAX_SECRETS: Final = 100
MAX_SECRET_LENGTH: Final = 8192
MAX_PRIORITY: Final = 1000
MAX_WEIGHT: Final = 1000
MAX_CONCURRENT: Final = 1_000_000
MIN_TIMEOUT_S: Final = 0.1
MAX_TIMEOUT_S: Final = 86_400.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential is good for; `text` is one sentence for the operator. `models`: what the upstream says it has.

    `status` is that of the upstream's answer, 0 for none; `latency_ms` how long it took.
    """

    credential: str
    ok: bool
    text: str
    models: tuple[str, ...] = ()
    status: int = 0
    latency_ms: int = 0


class UpstreamIncomplete(ValueError):
    """A new upstream lacks something; `field` says what: `base_url` or `secrets`."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def draft_upstream(provider: Provider, *, book: Book, secrets: Sequence[str], keyless: bool, given: Mapping[str, Any]) -> Upstream:
    """Return a new upstream of a provider, with its own address and name unless they are `given`, as other fields are.

    Args:
        provider: whose it is.
        book: test or live.
        secrets: its keys, the first first.
        keyless: it wants no key.
        given: fields of `Upstream` by name.

    Raises:
        UpstreamIncomplete: no address, or no key.
    """
    if not provider.base_url and not given.get("base_url"):
        raise UpstreamIncomplete("base_url", f"{provider.title} has no address of its own; say where it is")
    if not secrets and not keyless and not provider.quirks.self_hosted:
        raise UpstreamIncomplete("secrets", f"{provider.title} wants a key")
    fresh = Upstream(
        id=new_id("up"),
        name=provider.name,
        provider=provider.name,
        base_url=provider.base_url,
        book=book,
        # A server that wants no key has one empty credential: whatever chooses among credentials finds one.
        credentials=tuple(Credential(id=new_id("cred"), secret=secret) for secret in secrets or ("",)),
        free=provider.quirks.self_hosted,
    )
    return msgspec.structs.replace(fresh, **given)
