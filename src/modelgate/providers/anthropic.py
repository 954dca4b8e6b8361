"""Anthropic: Claude, and every server that speaks its messages protocol at a base URL of its own.

Source: the API reference at platform.claude.com/docs/en/api, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, Twin


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """The vendor's own header; servers of one's own that want no key get none. The dialect says which version of the API is meant."""
    del now  # the secret does not age
    return (("x-api-key", secret),) if secret else ()


PROVIDER = Provider(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com",
    formats=("anthropic_messages",),
    sign=sign,
    environment={"ANTHROPIC_API_KEY": "secret", "ANTHROPIC_BASE_URL": "base_url"},
    quirks=Quirks(paths={"models": "/v1/models?limit=1000"}),
    probe_headers=(("anthropic-version", "2023-06-01"),),
    twin=Twin(key="sk-ant-sandbox"),
    documentation="https://platform.claude.com/docs/en/api/messages (2026-11)",
)
