"""xAI: Grok. Some of its models refuse to be told how much to think, and they differ; so it is not said.

Source: docs.x.ai/docs/api-reference, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="xai",
    title="xAI",
    base_url="https://api.x.ai/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"XAI_API_KEY": "secret", "XAI_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        refuses=frozenset(("presence_penalty", "frequency_penalty", "logit_bias")),  # its thinking models answer them with 400
        reasoning="",
    ),
    documentation="https://docs.x.ai/docs/api-reference (2026-11)",
)
