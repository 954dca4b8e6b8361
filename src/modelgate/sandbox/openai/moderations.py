"""`POST /v1/moderations`: rules about words, so that everybody can foretell what is flagged. Pictures are looked at by nobody."""

import re
from zlib import crc32

import msgspec

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.fields import invalid, missing, wants, wrong_type
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.message_checks import check_image
from modelgate.sandbox.openai.models import check_known, check_object
from modelgate.sandbox.openai.sending import Thought

DEFAULT_MODEL = "omni-moderation-latest"
MAX_INPUTS = 512
MAX_IMAGES = 1
FLAGGED_FROM = 0.5
_RULES = {
    "hate": r"\bi hate (all )?(women|men|foreigners|immigrants)\b|\bhateful slur\b",
    "hate/threatening": r"\bkill all (women|men|foreigners|immigrants)\b",
    "harassment": r"\byou (are|'re) (an? )?(idiot|stupid|worthless|moron)\b",
    "harassment/threatening": r"\bi will (kill|hurt|find) you\b",
    "illicit": r"\b(shoplift|launder money|pick a lock|make a bomb|hack into)\b",
    "illicit/violent": r"\b(make|build) a bomb\b",
    "self-harm": r"\b(suicide|self-harm|hurt myself|kill myself)\b",
    "self-harm/intent": r"\bi (want|am going) to (hurt|kill) myself\b",
    "self-harm/instructions": r"\bhow to (commit suicide|self-harm)\b",
    "sexual": r"\b(porn|explicit sex|erotic)\w*",
    "sexual/minors": r"\bsexual\w* .*\b(child|minor)",
    "violence": r"\b(kill|murder|stab|shoot|bomb)\w*",
    "violence/graphic": r"\b(gore|dismember\w*|blood everywhere)\b",
}
_PATTERNS = {category: re.compile(rule, re.IGNORECASE) for category, rule in _RULES.items()}
_TEXT_ONLY = ("hate", "hate/threatening", "harassment", "harassment/threatening", "illicit", "illicit/violent", "sexual/minors")
"""Categories that the vendor sees in texts alone."""

_ILLICIT = ("illicit", "illicit/violent")


def moderation_operations() -> tuple[Operation, ...]:
    """Return what can be asked here."""
    return (Operation("POST", "/moderations", think=_think),)


def is_flagged(text: str, *categories: str) -> bool:
    """Say whether a text is flagged in one of some categories."""
    return any(_PATTERNS[category].search(text) for category in categories)


def _think(asked: Asked) -> Thought:
    body = asked.body
    check_object(body)
    model = body["model"] if wants(body, "model", str) else DEFAULT_MODEL
    check_known(model)
    check_kind(model, "moderation")
    inputs = _inputs(body)
    magic = read_magic(model, "\n".join(text for text, _ in inputs))
    refuse_if_asked(magic, param="input")
    answer = {
        "id": "modr-" + random_text(29),
        "model": model,
        "results": [_result(text, shows=shows, model=model) for text, shows in inputs],
    }
    return Thought(magic=magic, parts=[msgspec.json.encode(answer)])


def _result(text: str, *, shows: bool, model: str) -> dict[str, Json]:
    """Return the verdict on one text, with or without a picture."""
    omni = not model.startswith("text-moderation")
    categories = [category for category in _PATTERNS if omni or category not in _ILLICIT]
    scores = {category: _score(category, text) for category in categories}
    flags = {category: score >= FLAGGED_FROM for category, score in scores.items()}
    result: dict[str, Json] = {"flagged": any(flags.values()), "categories": flags, "category_scores": scores}
    if omni:
        result["category_applied_input_types"] = {category: _applied(category, text=text, shows=shows) for category in categories}
    return result


def _score(category: str, text: str) -> float:
    chance = crc32(f"{category}\0{text}".encode("utf-8", "replace")) % 1_000 / 100_000  # below 0.01
    return round(0.9 + chance, 6) if _PATTERNS[category].search(text) else round(chance, 6)


def _applied(category: str, *, text: str, shows: bool) -> list[str]:
    applied = ["text"] if text or not shows else []
    return [*applied, "image"] if shows and category not in _TEXT_ONLY else applied


def _inputs(body: dict[str, Json]) -> list[tuple[str, bool]]:
    """Return (text, has a picture) of what each result is about: parts together have one. Raises Refused."""
    given = body.get("input")
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return [(given, False)]
    if not isinstance(given, list):
        raise wrong_type("input", wanted="one of a string or array", value=given)
    if not 1 <= len(given) <= MAX_INPUTS:
        raise Refused(f"Invalid 'input': expected an array of 1 to {MAX_INPUTS}.", param="input", code="invalid_value")
    if all(isinstance(each, str) for each in given):
        return [(each, False) for each in given]
    for index, part in enumerate(given):
        _check_part(part, where=f"input[{index}]")
    pictures = sum(1 for part in given if part["type"] == "image_url")
    if pictures > MAX_IMAGES:
        raise Refused(f"Number of images ({pictures}) exceeds maximum of {MAX_IMAGES}.", param="input", code="too_many_images")
    return [("\n".join(part["text"] for part in given if part["type"] == "text"), pictures > 0)]


def _check_part(part: Json, *, where: str) -> None:
    if not isinstance(part, dict):
        raise wrong_type(where, wanted="an object", value=part)
    match part.get("type"):
        case "text":
            if not wants(part, "text", str, where=f"{where}."):
                raise missing(f"{where}.text")
        case "image_url":
            check_image(part.get("image_url"), where=f"{where}.image_url")
        case other:
            raise invalid(f"{where}.type", other, ("text", "image_url"))
