"""MiniMax. In China the address is https://api.minimaxi.com/v1. Thoughts of most models stand in the text, within `<think>`.

Source: platform.minimax.io/docs/api-reference/text-openai-api, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="minimax",
    title="MiniMax",
    base_url="https://api.minimax.io/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"MINIMAX_API_KEY": "secret", "MINIMAX_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_tokens": "max_completion_tokens"},
        refuses=frozenset(("logit_bias", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "seed")),
        reasoning="",
        has_developer_role=False,
        has_json_schema=False,
    ),
    documentation="https://platform.minimax.io/docs/api-reference/text-openai-api (2026-11)",
)
