"""DeepSeek. Its models think unless told otherwise, and want their thoughts back within a round of tools.

Source: api-docs.deepseek.com, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, Twin, bearer

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com/v1",
    formats=("openai_chat",),
    sign=bearer,
    environment={"DEEPSEEK_API_KEY": "secret", "DEEPSEEK_BASE_URL": "base_url"},
    quirks=Quirks(
        base_path="/v1",
        renames={"max_completion_tokens": "max_tokens"},
        reasoning="thinking",
        has_developer_role=False,
        has_json_schema=False,
    ),
    twin=Twin(key="sk-sandbox", path="/openai/v1"),
    documentation="https://api-docs.deepseek.com (2026-11)",
)
