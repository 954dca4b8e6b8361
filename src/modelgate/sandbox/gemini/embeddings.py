"""What the make-believe Gemini refuses about texts to embed; the vectors are those of every vendor here."""

from modelgate.core.records import Json
from modelgate.sandbox.gemini.content_checks import check_parts
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.request import text_of

DIMENSIONS = 3072
SMALL_DIMENSIONS = 768
MAX_BATCH = 100


def dimensions_of(model: str) -> int:
    """Return how long a model's vectors are, and can be at most."""
    return SMALL_DIMENSIONS if model.startswith("text-embedding") else DIMENSIONS


def check_embedding(entry: dict[str, Json], *, model: str, place: str) -> str:
    """Return the text to embed. Raises GeminiRefused."""
    if "content" not in entry:
        raise GeminiRefused(f"* {place}.content: content is not specified\n")
    check_parts(entry["content"], place="content")
    wanted, most = entry.get("outputDimensionality"), dimensions_of(model)
    if wanted is not None and not 1 <= wanted <= most:
        raise GeminiRefused(f"* {place}.output_dimensionality: must be in the range [1, {most}]\n")
    return text_of(entry["content"])


def check_batch(body: dict[str, Json], *, model: str) -> list[str]:
    """Return the texts of a batch; each of its requests names the model of the path. Raises GeminiRefused."""
    entries = body.get("requests", [])
    if not entries:
        raise GeminiRefused("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    if len(entries) > MAX_BATCH:
        raise GeminiRefused(f"* BatchEmbedContentsRequest.requests: at most {MAX_BATCH} requests can be in one batch\n")
    for index, entry in enumerate(entries):
        if entry.get("model") != f"models/{model}":
            raise GeminiRefused(f"* BatchEmbedContentsRequest.requests[{index}].model: must be the model of the batch, models/{model}\n")
    return [
        check_embedding(entry, model=model, place=f"BatchEmbedContentsRequest.requests[{index}]") for index, entry in enumerate(entries)
    ]
