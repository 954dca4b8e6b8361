"""Azure OpenAI: OpenAI's models in an account at Microsoft. A model's name upstream is the name of a deployment.

The base URL is the resource's, such as https://my-resource.openai.azure.com, without a path.
Source: learn.microsoft.com/azure/ai-foundry/openai/reference, read 2026-11.
"""

from modelgate.core.providers import Provider, Quirks


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """The vendor's own header."""
    del now  # the secret does not age
    return (("api-key", secret),) if secret else ()


PROVIDER = Provider(
    name="azure",
    title="Azure OpenAI",
    base_url="",  # every account has an address of its own
    formats=("openai_chat", "openai_embeddings", "openai_images", "openai_transcriptions", "openai_translations"),
    sign=sign,
    environment={"AZURE_OPENAI_API_KEY": "secret", "AZURE_OPENAI_ENDPOINT": "base_url"},
    quirks=Quirks(
        paths={
            "openai_chat": "/openai/deployments/{model}/chat/completions",
            "openai_embeddings": "/openai/deployments/{model}/embeddings",
            "openai_images": "/openai/deployments/{model}/images/generations",
            "openai_transcriptions": "/openai/deployments/{model}/audio/transcriptions",
            "openai_translations": "/openai/deployments/{model}/audio/translations",
            "models": "/openai/models",
        },
        query="api-version=2024-10-21",
    ),
    documentation="https://learn.microsoft.com/azure/ai-foundry/openai/reference (2026-11)",
)
