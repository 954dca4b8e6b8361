"""Another Modelgate: its models under its prices, in whichever dialect a caller speaks.

The base URL is the other's address without a path, such as https://gateway.example.
Source: docs/chat.md of this repository, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks, bearer

PROVIDER = Provider(
    name="modelgate",
    title="Another Modelgate",
    base_url="",  # every installation has an address of its own
    formats=(
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "gemini_content",
        "openai_completions",
        "openai_embeddings",
        "openai_moderations",
        "openai_images",
        "openai_image_edits",
        "openai_image_variations",
        "openai_speech",
        "openai_transcriptions",
        "openai_translations",
    ),
    sign=bearer,
    quirks=Quirks(
        paths={
            "openai_chat": "/v1/chat/completions",
            "openai_responses": "/v1/responses",
            "openai_completions": "/v1/completions",
            "openai_embeddings": "/v1/embeddings",
            "openai_moderations": "/v1/moderations",
            "openai_images": "/v1/images/generations",
            "openai_image_edits": "/v1/images/edits",
            "openai_image_variations": "/v1/images/variations",
            "openai_speech": "/v1/audio/speech",
            "openai_transcriptions": "/v1/audio/transcriptions",
            "openai_translations": "/v1/audio/translations",
            "models": "/v1/models",
        },
        accepts=frozenset(("cache", "file_url", "image_config", "top_k")),
    ),
    documentation="docs/chat.md (2026-11)",
)
