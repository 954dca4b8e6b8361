"""Cerebras: open models on hardware of its own.

Source: inference-docs.cerebras.ai/resources/openai, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="cerebras",
    title="Cerebras",
    base_url="https://api.cerebras.ai/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"CEREBRAS_API_KEY": "secret", "CEREBRAS_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_tokens": "max_completion_tokens"},
        refuses=frozenset(("frequency_penalty", "logit_bias", "presence_penalty", "service_tier", "store", "metadata")),
        has_developer_role=False,
    ),
    documentation="https://inference-docs.cerebras.ai/resources/openai (2026-11)",
)
