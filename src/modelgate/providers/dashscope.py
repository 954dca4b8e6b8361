"""DashScope (Alibaba Cloud Model Studio): Qwen. Outside China the address is https://dashscope-intl.aliyuncs.com/compatible-mode/v1.

Source: help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="dashscope",
    title="Alibaba DashScope",
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    formats=("openai_chat", "openai_embeddings"),
    sign=bearer,
    environment={"DASHSCOPE_API_KEY": "secret", "DASHSCOPE_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/compatible-mode/v1",
        renames={"max_completion_tokens": "max_tokens"},
        accepts=frozenset(("top_k",)),
        reasoning="enable_thinking",
        has_developer_role=False,
        has_json_schema=False,
    ),
    documentation="https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope (2026-11)",
)
