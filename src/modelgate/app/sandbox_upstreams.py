"""The upstreams of the test book. They are not rows: every installation has the same, at the sandbox's socket."""

from collections.abc import Iterator

from modelgate.core.providers import Provider, Twin
from modelgate.core.records import Credential, Upstream
from modelgate.providers import load_providers

SANDBOX_ORIGIN = "http://sandbox"


def twins() -> Iterator[tuple[Provider, Twin]]:
    """Yield the providers whose vendors the sandbox plays."""
    yield from ((provider, provider.twin) for provider in load_providers().values() if provider.twin is not None)


def sandbox_upstreams(socket_path: str) -> tuple[Upstream, ...]:
    """Return the make-believe vendors behind a Unix socket."""
    return tuple(_upstream(provider, twin, socket_path) for provider, twin in twins())


def shown_paths() -> tuple[str, ...]:
    """Return the sandbox's paths that callers are given."""
    return tuple(path for _, twin in twins() for path in twin.shown_paths)


def _upstream(provider: Provider, twin: Twin, socket_path: str) -> Upstream:
    return Upstream(
        id=f"up_sandbox_{provider.name}",
        name=f"sandbox {provider.name}",
        provider=provider.name,
        base_url=SANDBOX_ORIGIN + provider.twin_path(),
        book="test",
        credentials=(Credential(id=f"cred_sandbox_{provider.name}", secret=twin.key),),
        socket=socket_path,
        max_concurrent=twin.max_concurrent,
    )
