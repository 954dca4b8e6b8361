"""Which models the make-believe Gemini has, and what each can do."""

import re
from base64 import b64decode, b64encode

import msgspec

from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.magic import CHAT_MODEL, MODEL_PREFIX

MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3-pro-preview",
    "gemini-2.5-flash-image",
    "gemini-2.5-flash-preview-tts",
    "gemini-embedding-001",
    CHAT_MODEL,
    *(MODEL_PREFIX + word for word in MAGIC_WORDS),
)
"""What the list shows. Other names are served too; none that starts with `sandbox-`, though."""

DEFAULT_PAGE = 50
MAX_PAGE = 1000
INPUT_LIMIT = 1_048_576
OUTPUT_LIMIT = 65_536
DYNAMIC = -1
_HIDDEN_BY_LEVEL = {"MINIMAL": 0, "LOW": 32, "MEDIUM": 64, "HIGH": 128}
_DYNAMIC_TOKENS = 64
_MOST_HIDDEN = 128
_GENERATE = ("generateContent", "countTokens")
_EMBED = ("embedContent", "countTokens")
_METHODS = {"streamGenerateContent": "generateContent", "batchEmbedContents": "embedContent"}


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a model can do, by its name.

    `outputs`: the combinations of modalities it takes, the default one first; empty: any. `budgets`: least and most thinking tokens;
    None: does not think. `may_stop`: a budget of 0 turns thinking off. `thinks`: without being told. `levels`: thinking levels it
    takes. `methods`: empty: all.
    """

    outputs: tuple[tuple[str, ...], ...] = ()
    budgets: tuple[int, int] | None = None
    may_stop: bool = True
    thinks: bool = False
    levels: tuple[str, ...] = ()
    methods: tuple[str, ...] = _GENERATE
    signs: bool = False
    has_ids: bool = True
    classic: bool = False
    penalties: bool = True
    instructions: bool = True

    def can(self, method: str) -> bool:
        """Say whether the model has a method."""
        return not self.methods or _METHODS.get(method, method) in self.methods


def traits_of(model: str) -> Traits:
    """Return what a model can do; names that are not the vendor's can do most."""
    if not model.startswith("gemini-"):
        methods = () if model.startswith(MODEL_PREFIX) else _EMBED if "embedding" in model else _GENERATE
        return Traits(budgets=(0, 32_768), levels=tuple(_HIDDEN_BY_LEVEL), methods=methods)
    if "embedding" in model:
        return Traits(methods=_EMBED)
    classic = model.startswith(("gemini-1", "gemini-2"))
    if "tts" in model:
        return Traits(outputs=(("AUDIO",),), classic=classic, has_ids=False, instructions=False)
    if "image" in model:
        if model.startswith("gemini-2.0"):
            return Traits(outputs=(("TEXT",), ("TEXT", "IMAGE")), classic=True, has_ids=False, instructions=False)
        return Traits(outputs=(("TEXT", "IMAGE"), ("IMAGE",), ("TEXT",)), classic=classic, has_ids=False)
    return _text_traits(model, classic=classic)


def _text_traits(model: str, *, classic: bool) -> Traits:
    """Return what the vendor's text models can do. Thinking ranges: the vendor's page on thinking, 2025."""
    text = (("TEXT",),)
    if not classic:
        levels = ("LOW", "MEDIUM", "HIGH") if "pro" in model else tuple(_HIDDEN_BY_LEVEL)
        return Traits(outputs=text, budgets=(0, 32_768), thinks=True, levels=levels, signs=True, penalties=False)
    base = Traits(outputs=text, classic=True, has_ids=False)
    if not model.startswith("gemini-2.5"):
        return base
    if "flash-lite" in model:
        return msgspec.structs.replace(base, budgets=(512, 24_576))
    if "flash" in model:
        return msgspec.structs.replace(base, budgets=(0, 24_576), thinks=True)
    return msgspec.structs.replace(base, budgets=(128, 32_768), may_stop=False, thinks=True, penalties=False)


def hidden_tokens(traits: Traits, thinking: dict[str, Json]) -> int:
    """Return how many tokens a model thinks before it answers, by the `thinkingConfig` it got."""
    if traits.budgets is None:
        return 0
    if level := thinking.get("thinkingLevel"):
        return _HIDDEN_BY_LEVEL.get(level, _DYNAMIC_TOKENS)
    budget = thinking.get("thinkingBudget")
    if budget is None:
        return _DYNAMIC_TOKENS if traits.thinks or thinking.get("includeThoughts") else 0
    return _DYNAMIC_TOKENS if budget == DYNAMIC else min(budget // 4, _MOST_HIDDEN)


def render_model(model: str) -> dict[str, Json]:
    """Return one entry of the list."""
    traits = traits_of(model)
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": model.replace("-", " ").title(),
        "description": "A make-believe model of the sandbox.",
        "inputTokenLimit": INPUT_LIMIT,
        "outputTokenLimit": OUTPUT_LIMIT,
        "supportedGenerationMethods": list(traits.methods or (*_GENERATE, "embedContent")),
        "temperature": 1,
        "maxTemperature": 2,
        "topP": 0.95,
        "topK": 64,
        **({"thinking": True} if traits.thinks else {}),
    }


def list_models(*, page_size: str, page_token: str) -> dict[str, Json]:
    """Return one page of the list; both parameters as they came in the query, empty when they did not. Raises GeminiRefused."""
    size = DEFAULT_PAGE
    if page_size:
        if not re.fullmatch(r"\d{1,9}", page_size):
            raise GeminiRefused(f"Invalid value at 'page_size' (TYPE_INT32), \"{page_size[:80]}\"")
        size = min(int(page_size) or DEFAULT_PAGE, MAX_PAGE)
    start = _start_of(page_token) if page_token else 0
    page = {"models": [render_model(model) for model in MODELS[start : start + size]]}
    return page if start + size >= len(MODELS) else {**page, "nextPageToken": b64encode(f"from {start + size}".encode()).decode()}


def _start_of(page_token: str) -> int:
    try:
        word, _, number = b64decode(page_token, validate=True).decode().partition(" ")
    except ValueError:
        word, number = "", ""
    if word != "from" or not re.fullmatch(r"[0-9]{1,9}", number):
        raise GeminiRefused("Page token is not valid.")
    return int(number)
