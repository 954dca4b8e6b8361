"""Groq: open models on hardware of its own.

Source: console.groq.com/docs/openai, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    formats=("openai_chat", "openai_speech", "openai_transcriptions", "openai_translations"),
    sign=bearer,
    environment={"GROQ_API_KEY": "secret", "GROQ_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/openai/v1",
        refuses=frozenset(("logit_bias", "logprobs", "metadata", "store", "top_logprobs")),
        has_developer_role=False,
    ),
    documentation="https://console.groq.com/docs/openai (2026-11)",
)
