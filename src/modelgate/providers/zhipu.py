"""Zhipu AI: GLM. Outside China (Z.ai) the address is https://api.z.ai/api/paas/v4.

Source: docs.bigmodel.cn/api-reference, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="zhipu",
    title="Zhipu AI",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    formats=("openai_chat", "openai_embeddings"),
    sign=bearer,
    environment={"ZHIPUAI_API_KEY": "secret", "ZHIPU_API_KEY": "secret", "ZHIPU_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/api/paas/v4",
        renames={"max_completion_tokens": "max_tokens"},
        refuses=frozenset(("logit_bias", "logprobs", "top_logprobs")),
        reasoning="thinking",
        has_developer_role=False,
        has_json_schema=False,
    ),
    documentation="https://docs.bigmodel.cn/api-reference (2026-11)",
)
