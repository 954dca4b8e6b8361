"""OpenAI, and every server that speaks its chat completions at a base URL of its own.

Source: the API reference at platform.openai.com/docs/api-reference, read 2026-11.
"""

from modelgate.core.providers import Provider, Twin


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Bearer authentication; servers of one's own that want no key get none."""
    del now  # a bearer secret does not age
    return (("authorization", f"Bearer {secret}"),) if secret else ()


PROVIDER = Provider(
    name="openai",
    title="OpenAI-compatible",
    base_url="https://api.openai.com/v1",
    formats=(
        "openai_chat",
        "openai_responses",
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
    elsewhere_formats=("openai_chat", "openai_completions", "openai_embeddings", "openai_images", "openai_speech", "openai_transcriptions"),
    sign=sign,
    environment={"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": "base_url"},
    twin=Twin(key="sk-sandbox", shown_paths=("/openai/files/{name}",)),
    documentation="https://platform.openai.com/docs/api-reference (2026-11)",
)
