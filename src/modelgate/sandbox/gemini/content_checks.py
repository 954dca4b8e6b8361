"""What the make-believe Gemini refuses about the contents of a request: roles, parts, the order of calls and results, signatures."""

from collections import Counter

from modelgate.core.records import Json
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.media import check_blob, check_file
from modelgate.sandbox.gemini.schema import PART_DATA
from modelgate.sandbox.gemini.signatures import is_ours

_ROLES = ("user", "model", "function")


def check_contents(contents: list[dict[str, Json]], *, signed: bool) -> None:
    """Refuse contents the vendor would; `signed`: calls of the current turn need their signature. Raises GeminiRefused."""
    if not contents:
        raise GeminiRefused("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        if role_of(content) not in _ROLES:
            raise GeminiRefused("Please use a valid role: user, model.")
        check_parts(content, place=f"contents[{index}]")
    _check_turns(contents)
    if signed:
        _check_signatures(contents)


def check_parts(content: dict[str, Json], *, place: str) -> None:
    """Refuse a content without parts, and parts that cannot be read. Raises GeminiRefused."""
    parts = content.get("parts") or []
    if not parts:
        raise GeminiRefused(f"* GenerateContentRequest.{place}.parts: contents.parts must not be empty.\n")
    for index, part in enumerate(parts):
        _check_part(part, place=f"{place}.parts[{index}]")
    if all(part.get("text") == "" and "thoughtSignature" not in part for part in parts):
        raise GeminiRefused(f"* GenerateContentRequest.{place}.parts: must include at least one part that is not empty.\n")


def _check_part(part: dict[str, Json], *, place: str) -> None:
    if not any(name in part for name in PART_DATA):
        raise GeminiRefused(f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field\n")
    _check_shown(part, place=place)
    for name, spelt in (("functionCall", "function_call"), ("functionResponse", "function_response")):
        if name in part and not part[name].get("name"):
            raise GeminiRefused(f"* GenerateContentRequest.{place}.{spelt}.name: Name cannot be empty.\n")
    response = part.get("functionResponse")
    if response is not None:
        if "response" not in response:
            raise GeminiRefused(f"* GenerateContentRequest.{place}.function_response.response: must be specified\n")
        for index, inner in enumerate(response.get("parts", ())):
            _check_shown(inner, place=f"{place}.function_response.parts[{index}]")


def _check_shown(part: dict[str, Json], *, place: str) -> None:
    if "inlineData" in part:
        check_blob(part["inlineData"], place=f"{place}.inline_data")
    if "fileData" in part:
        check_file(part["fileData"], place=f"{place}.file_data")


def role_of(content: dict[str, Json]) -> str:
    """Return who speaks; without a role it is the user."""
    return content.get("role") or "user"


def calls_in(content: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the function calls of a content."""
    return [part["functionCall"] for part in content["parts"] if "functionCall" in part]


def responses_in(content: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the function responses of a content."""
    return [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]


def _check_turns(contents: list[dict[str, Json]]) -> None:
    """Calls come from the model after a user's turn; all their results come in the one content that follows."""
    waiting: list[dict[str, Json]] = []
    before = ""
    for content in contents:
        role, calls, responses = role_of(content), calls_in(content), responses_in(content)
        if responses and (role == "model" or not waiting):
            raise GeminiRefused("Please ensure that function response turn comes immediately after a function call turn.")
        if calls and (role != "model" or before not in ("user", "function")):
            raise GeminiRefused(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            )
        if len(waiting) != len(responses):
            raise _unequal()
        _check_pairs(waiting, responses)
        waiting, before = calls, role
    if waiting:
        raise _unequal()


def _unequal() -> GeminiRefused:
    return GeminiRefused(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
    )


def _check_pairs(calls: list[dict[str, Json]], responses: list[dict[str, Json]]) -> None:
    """Each response names a call of the turn before: by its id when it has one, and by its name."""
    ids = {call["id"]: call["name"] for call in calls if call.get("id")}
    names = Counter(call["name"] for call in calls)
    for response in responses:
        name = response["name"]
        if (response.get("id") and ids and ids.get(response["id"]) != name) or not names[name]:
            raise GeminiRefused(f"Function response `{name[:100]}` does not answer any function call of the turn before it.")
        names[name] -= 1


def _check_signatures(contents: list[dict[str, Json]]) -> None:
    """Since the user last spoke, the first call of each of the model's contents must carry the signature it was given."""
    spoken = max((index for index, content in enumerate(contents) if is_spoken(content)), default=-1)
    for index, content in enumerate(contents[spoken + 1 :], spoken + 1):
        called = [part for part in content["parts"] if "functionCall" in part]
        for number, part in enumerate(called):
            name, signature = part["functionCall"]["name"], part.get("thoughtSignature")
            if signature is not None and not is_ours(signature, name=name):
                raise GeminiRefused("Thought signature is not valid.")
            if signature is None and number == 0:
                raise GeminiRefused(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and "
                    "missing thought_signature may lead to degraded model performance. Additional data, function call "
                    f"`default_api:{name[:100]}` , position {index + 1}. "
                    "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
                )


def is_spoken(content: dict[str, Json]) -> bool:
    """Say whether a content is the user's own word, and so begins a turn."""
    return role_of(content) != "model" and not responses_in(content)
