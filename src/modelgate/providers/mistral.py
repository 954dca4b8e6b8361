"""Mistral. Its API refuses every field it does not know (422) and counts the tokens of streams unasked.

Source: docs.mistral.ai/api, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="mistral",
    title="Mistral",
    base_url="https://api.mistral.ai/v1",
    formats=("openai_chat", "openai_embeddings"),
    sign=bearer,
    environment={"MISTRAL_API_KEY": "secret", "MISTRAL_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
        refuses=frozenset(
            (
                "logit_bias",
                "logprobs",
                "metadata",
                "modalities",
                "prompt_cache_key",
                "service_tier",
                "store",
                "top_logprobs",
                "user",
                "verbosity",
                "web_search",
            )
        ),
        reasoning="",
        has_developer_role=False,
        has_stream_options=False,
    ),
    documentation="https://docs.mistral.ai/api (2026-11)",
)
