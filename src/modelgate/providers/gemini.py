"""Google Gemini by the Developer API.

Source: ai.google.dev/api, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, Twin


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """The key stands in a header of its own, never in the address."""
    del now  # the key does not age
    return (("x-goog-api-key", secret),) if secret else ()


PROVIDER = Provider(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com",
    formats=("gemini_content", "gemini_embeddings"),
    sign=sign,
    environment={"GOOGLE_API_KEY": "secret", "GEMINI_API_KEY": "secret"},
    quirks=Quirks(paths={"models": "/v1beta/models?pageSize=1000"}),
    twin=Twin(key="AIza-sandbox"),
    documentation="https://ai.google.dev/api (2026-11)",
)
