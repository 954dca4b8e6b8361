"""New API, and gateways grown out of One API: many vendors behind one address.

The base URL is the other's address without a path, such as https://gateway.example.
Source: docs.newapi.pro/en/docs/api, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="newapi",
    title="New API",
    base_url="",  # every installation has an address of its own
    formats=("openai_chat", "anthropic_messages", "gemini_content", "openai_embeddings"),
    sign=bearer,
    quirks=Quirks(
        paths={
            "openai_chat": "/v1/chat/completions",
            "openai_embeddings": "/v1/embeddings",
            "models": "/v1/models",
        },
    ),
    documentation="https://docs.newapi.pro/en/docs/api (2026-11)",
)
