"""SiliconFlow: open models by the token. Outside China the address is https://api.siliconflow.com/v1.

Source: docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="siliconflow",
    title="SiliconFlow",
    base_url="https://api.siliconflow.cn/v1",
    formats=("openai_chat", "openai_embeddings", "openai_speech", "openai_transcriptions"),
    sign=bearer,
    environment={"SILICONFLOW_API_KEY": "secret", "SILICONFLOW_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_completion_tokens": "max_tokens"},
        accepts=frozenset(("top_k",)),
        reasoning="enable_thinking",
        has_developer_role=False,
        has_json_schema=False,
    ),
    documentation="https://docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions (2026-11)",
)
