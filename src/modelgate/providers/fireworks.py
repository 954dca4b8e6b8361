"""Fireworks AI: open models by the token.

Source: docs.fireworks.ai/tools-sdks/openai-compatibility, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="fireworks",
    title="Fireworks AI",
    base_url="https://api.fireworks.ai/inference/v1",
    formats=("openai_chat", "openai_completions", "openai_embeddings"),
    sign=bearer,
    environment={"FIREWORKS_API_KEY": "secret", "FIREWORKS_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/inference/v1",
        renames={"max_completion_tokens": "max_tokens"},
        accepts=frozenset(("top_k",)),
        has_developer_role=False,
    ),
    documentation="https://docs.fireworks.ai/tools-sdks/openai-compatibility (2026-11)",
)
