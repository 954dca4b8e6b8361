"""Perplexity: models that search the web by themselves. Usage comes with every event of a stream, unasked.

Source: docs.perplexity.ai/api-reference/chat-completions-post, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="perplexity",
    title="Perplexity",
    base_url="https://api.perplexity.ai",
    formats=("openai_chat",),
    sign=bearer,
    environment={"PERPLEXITY_API_KEY": "secret", "PPLX_API_KEY": "secret"},
    quirks=Quirks(
        renames={"max_completion_tokens": "max_tokens"},
        accepts=frozenset(("top_k", "file_url")),
        has_developer_role=False,
        has_stream_options=False,
    ),
    documentation="https://docs.perplexity.ai/api-reference/chat-completions-post (2026-11)",
)
