"""Moonshot AI: Kimi. In China the address is https://api.moonshot.cn/v1.

Source: platform.kimi.ai/docs/api/overview, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="moonshot",
    title="Moonshot AI",
    base_url="https://api.moonshot.ai/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"MOONSHOT_API_KEY": "secret", "MOONSHOT_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        refuses=frozenset(("logit_bias", "logprobs", "top_logprobs")),
        reasoning="thinking",
        has_developer_role=False,
        has_json_schema=False,
        fetches_images=False,
    ),
    documentation="https://platform.kimi.ai/docs/api/overview (2026-11)",
)
