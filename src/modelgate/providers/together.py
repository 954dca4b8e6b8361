"""Together AI: open models by the token.

Source: docs.together.ai/docs/openai-api-compatibility, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="together",
    title="Together AI",
    base_url="https://api.together.xyz/v1",
    formats=("openai_chat", "openai_completions", "openai_embeddings"),
    sign=bearer,
    environment={"TOGETHER_API_KEY": "secret", "TOGETHER_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_completion_tokens": "max_tokens"},
        accepts=frozenset(("top_k",)),
        has_developer_role=False,
    ),
    documentation="https://docs.together.ai/docs/openai-api-compatibility (2026-11)",
)
