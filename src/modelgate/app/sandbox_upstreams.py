"""The upstreams of the test book. They are not rows: every installation has the same, at the sandbox's socket."""

from modelgate.core import sandbox
from modelgate.core.records import Credential, Upstream

SANDBOX_ORIGIN = "http://sandbox"
IDEOGRAM_PICTURES = 10
"""At once, as the vendor allows by default."""


def sandbox_upstreams(socket_path: str) -> tuple[Upstream, ...]:
    """Return the make-believe vendors behind a Unix socket."""
    return (
        _upstream("openai", path="/openai/v1", secret=sandbox.OPENAI_SECRET, socket_path=socket_path),
        _upstream("anthropic", path="/anthropic", secret=sandbox.ANTHROPIC_SECRET, socket_path=socket_path),
        _upstream("deepseek", path="/openai/v1", secret=sandbox.OPENAI_SECRET, socket_path=socket_path),
        _upstream("gemini", path="/gemini", secret=sandbox.GEMINI_SECRET, socket_path=socket_path),
        _upstream("kling", path="/kling", secret=sandbox.KLING_SECRET, socket_path=socket_path),
        _upstream("bfl", path="/bfl", secret=sandbox.BFL_SECRET, socket_path=socket_path),
        _upstream("ideogram", path="/ideogram", secret=sandbox.IDEOGRAM_SECRET, socket_path=socket_path, max_concurrent=IDEOGRAM_PICTURES),
        _upstream("midjourney", path="/midjourney", secret=sandbox.MIDJOURNEY_SECRET, socket_path=socket_path),
        _upstream("fal", path="/fal", secret=sandbox.FAL_SECRET, socket_path=socket_path),
        _upstream("luma", path="/luma/dream-machine/v1", secret=sandbox.LUMA_SECRET, socket_path=socket_path),
        _upstream("luma_agents", path="/luma-agents/v1", secret=sandbox.LUMA_AGENTS_SECRET, socket_path=socket_path),
        _upstream("runway", path="/runway", secret=sandbox.RUNWAY_SECRET, socket_path=socket_path),
        _upstream("suno", path="/suno", secret=sandbox.SUNO_SECRET, socket_path=socket_path),
    )


def _upstream(provider: str, *, path: str, secret: str, socket_path: str, max_concurrent: int = 0) -> Upstream:
    return Upstream(
        id=f"up_sandbox_{provider}",
        name=f"sandbox {provider}",
        provider=provider,
        base_url=SANDBOX_ORIGIN + path,
        book="test",
        credentials=(Credential(id=f"cred_sandbox_{provider}", secret=secret),),
        socket=socket_path,
        max_concurrent=max_concurrent,
    )
