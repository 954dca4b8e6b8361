"""Ark (ByteDance's Volcengine): Doubao. A model is named, or an endpoint of one's own (`ep-…`).

Source: www.volcengine.com/docs/82379/1298454, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="doubao",
    title="Volcengine Ark",
    base_url="https://ark.cn-beijing.volces.com/api/v3",
    formats=("openai_chat", "openai_embeddings"),
    sign=bearer,
    environment={"ARK_API_KEY": "secret", "ARK_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/api/v3",
        reasoning="thinking",
        has_developer_role=False,
        has_json_schema=False,
    ),
    documentation="https://www.volcengine.com/docs/82379/1298454 (2026-11)",
)
