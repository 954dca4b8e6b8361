"""OpenRouter: models of many vendors behind one key. Thoughts come and go as `reasoning_details`.

Source: openrouter.ai/docs/api-reference, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    formats=("openai_chat", "openai_embeddings"),
    sign=bearer,
    environment={"OPENROUTER_API_KEY": "secret", "OPENROUTER_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/api/v1",
        accepts=frozenset(("cache", "file_url", "image_config", "top_k")),
        reasoning="reasoning",
    ),
    documentation="https://openrouter.ai/docs/api-reference (2026-11)",
)
