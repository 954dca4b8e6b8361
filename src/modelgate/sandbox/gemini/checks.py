"""What the make-believe Gemini refuses about a generation: tools, settings, and what the model at hand cannot do."""

import re
from collections.abc import Iterable
from itertools import islice

from modelgate.core.records import Json
from modelgate.sandbox.gemini.content_checks import check_contents, check_parts
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.models import DYNAMIC, Traits
from modelgate.sandbox.gemini.schema_checks import faults_of
from modelgate.sandbox.gemini.speech import check_speech

MAX_STOPS = 5
MAX_CANDIDATES = 8
MAX_LOGPROBS = 20
MAX_NAME = 128
MAX_FAULTS = 20
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
SIZES = ("1K", "2K", "4K")
_NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_.:-]*$")
_MIME_TYPES = ("text/plain", "application/json", "text/x.enum")
_NUMBERS: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("presencePenalty", -2, 2),
    ("frequencyPenalty", -2, 2),
    ("candidateCount", 1, MAX_CANDIDATES),
    ("logprobs", 0, MAX_LOGPROBS),
)


def check_generation(body: dict[str, Json], *, model: str, traits: Traits, stream: bool) -> None:
    """Refuse a request the vendor would; its fields were read by `read_message`. Raises GeminiRefused."""
    check_contents(body.get("contents", []), signed=traits.signs)
    if "systemInstruction" in body:
        check_parts(body["systemInstruction"], place="system_instruction")
    if body.get("cachedContent"):
        raise GeminiRefused("CachedContent not found (or permission denied)", status=403)
    settings = body.get("generationConfig", {})
    _check_numbers(settings, stream=stream)
    _check_format(settings)
    _check_thinking(settings.get("thinkingConfig", {}), traits=traits)
    _check_outputs(body, settings, model=model, traits=traits)
    check_tools(body, traits=traits)
    if len({one.get("category") for one in body.get("safetySettings", ())}) != len(body.get("safetySettings", ())):
        raise GeminiRefused("* GenerateContentRequest.safety_settings: each harm category may only be set once\n")


def _check_numbers(settings: dict[str, Json], *, stream: bool) -> None:
    for name, low, high in _NUMBERS:
        if name in settings and not low <= settings[name] <= high:
            raise _wrong(name, f"must be in the range [{low}, {high}], but is {settings[name]}")
    if "topP" in settings and not 0 < settings["topP"] <= 1:
        raise _wrong("topP", f"must be in the range (0.0, 1.0], but is {settings['topP']}")
    for name in ("topK", "maxOutputTokens"):
        if name in settings and settings[name] < 1:
            raise _wrong(name, f"must be positive, but is {settings[name]}")
    if len(settings.get("stopSequences", ())) > MAX_STOPS or "" in settings.get("stopSequences", ()):
        raise _wrong("stopSequences", f"at most {MAX_STOPS} stop sequences, none of them empty, can be specified")
    if stream and settings.get("candidateCount", 1) > 1:
        raise _wrong("candidateCount", "only one candidate can be specified when streaming")
    if "logprobs" in settings and not settings.get("responseLogprobs"):
        raise _wrong("logprobs", "only allowed when response_logprobs is true")


def _wrong(name: str, complaint: str) -> GeminiRefused:
    spelt = re.sub(r"([A-Z])", r"_\1", name).lower()
    return GeminiRefused(f"* GenerateContentRequest.generation_config.{spelt}: {complaint}\n")


def _check_format(settings: dict[str, Json]) -> None:
    kind = settings.get("responseMimeType") or "text/plain"
    if kind not in _MIME_TYPES:
        raise _wrong("responseMimeType", f"allowed mimetypes are {', '.join(f'`{each}`' for each in _MIME_TYPES)}")
    if "responseSchema" in settings and "responseJsonSchema" in settings:
        raise _wrong("responseJsonSchema", "must not be set together with response_schema")
    schema = settings.get("responseSchema", settings.get("responseJsonSchema"))
    if kind == "text/plain" and schema is not None:
        raise GeminiRefused(
            "Schema output is only supported with mimetype: 'application/json' or 'text/x.enum', but 'text/plain' was requested."
        )
    if kind == "text/x.enum" and not (isinstance(schema, dict) and schema.get("enum")):
        raise _wrong("responseSchema", "a STRING with an enum is needed for mimetype 'text/x.enum'")
    if "responseSchema" in settings:
        _blame(faults_of(settings["responseSchema"], place="generation_config.response_schema"))
    if not isinstance(settings.get("responseJsonSchema", {}), dict | bool):
        raise _wrong("responseJsonSchema", "must be a JSON Schema")


def _blame(faults: Iterable[str]) -> None:
    found = [f"* GenerateContentRequest.{fault}\n" for fault in islice(faults, MAX_FAULTS)]
    if found:
        raise GeminiRefused("".join(found))


def _check_thinking(thinking: dict[str, Json], *, traits: Traits) -> None:
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if traits.budgets is None:
        if budget or level or thinking.get("includeThoughts"):
            raise GeminiRefused("Thinking is not enabled for this model.")
        return
    if budget is not None and level is not None:
        raise GeminiRefused("You can only set only one of thinking budget and thinking level.")
    if level is not None and not traits.levels:
        raise GeminiRefused("Thinking level is not supported for this model.")
    if level is not None and level not in traits.levels:
        raise GeminiRefused(f"Thinking level {level} is not supported for this model.")
    low, high = traits.budgets
    if budget is None or budget == DYNAMIC or (budget == 0 and traits.may_stop):
        return
    if budget == 0:
        raise GeminiRefused("Budget 0 is invalid. This model only works in thinking mode.")
    if not low <= budget <= high:
        raise GeminiRefused(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.")


def _check_outputs(body: dict[str, Json], settings: dict[str, Json], *, model: str, traits: Traits) -> None:
    """Refuse outputs that the model does not have, and settings that it does not take with them."""
    wanted = settings.get("responseModalities")
    if wanted and traits.outputs and set(wanted) not in [set(each) for each in traits.outputs]:
        accepted = "".join(f"* {', '.join(each)}\n" for each in traits.outputs)
        raise GeminiRefused(
            f"The requested combination of response modalities ({', '.join(wanted)}) is not supported by the model. "
            f"models/{model} accepts the following combination of response modalities:\n{accepted}"
        )
    outputs = outputs_of(settings, traits)
    if "systemInstruction" in body and not traits.instructions and outputs != ("TEXT",):
        raise GeminiRefused(f"Developer instruction is not enabled for models/{model}")
    if not traits.penalties and (settings.get("presencePenalty") or settings.get("frequencyPenalty")):
        raise GeminiRefused("Penalty is not enabled for this model")
    picture = settings.get("imageConfig", {})
    if picture.get("aspectRatio", "1:1") not in RATIOS:
        raise _wrong("imageConfig", f"aspect_ratio must be one of {', '.join(RATIOS)}")
    if picture.get("imageSize", "1K") not in SIZES:
        raise _wrong("imageConfig", f"image_size must be one of {', '.join(SIZES)}")
    check_speech(settings.get("speechConfig", {}))


def outputs_of(settings: dict[str, Json], traits: Traits) -> tuple[str, ...]:
    """Return the modalities an answer will have."""
    return tuple(settings.get("responseModalities") or (traits.outputs[0] if traits.outputs else ("TEXT",)))


def check_tools(body: dict[str, Json], *, traits: Traits) -> None:
    """Refuse tools and their configuration. Raises GeminiRefused."""
    tools = body.get("tools", [])
    names: set[str] = set()
    for number, tool in enumerate(tools):
        for index, function in enumerate(tool.get("functionDeclarations", ())):
            _check_function(function, place=f"tools[{number}].function_declarations[{index}]", traits=traits)
            if function["name"] in names:
                raise GeminiRefused(f"Duplicate function declaration found: {function['name']}")
            names.add(function["name"])
    built_in = any(kind != "functionDeclarations" for tool in tools for kind in tool)
    kind = body.get("generationConfig", {}).get("responseMimeType") or "text/plain"
    if traits.classic and names and built_in:
        raise GeminiRefused("Tool use with function calling is unsupported")
    if traits.classic and kind != "text/plain" and (names or built_in):
        use = "Function calling" if names else "Tool use"
        raise GeminiRefused(f"{use} with a response mime type: '{kind}' is unsupported")
    if tools and traits.outputs and traits.outputs[0] == ("AUDIO",):
        raise GeminiRefused("Tool use is not supported with AUDIO output.")
    _check_calling(body.get("toolConfig", {}).get("functionCallingConfig", {}), names=names)


def _check_function(function: dict[str, Json], *, place: str, traits: Traits) -> None:
    name = function.get("name", "")
    if not _NAME.match(name) or len(name) > MAX_NAME:
        raise GeminiRefused(
            f"* GenerateContentRequest.{place}.name: Invalid function name. Must start with a letter or an underscore. Must be "
            "alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of "
            f"{MAX_NAME}.\n"
        )
    if "parameters" in function and "parametersJsonSchema" in function:
        raise GeminiRefused(f"* GenerateContentRequest.{place}.parameters_json_schema: must not be set together with parameters\n")
    if "parameters" in function:
        if function["parameters"].get("type") != "OBJECT":
            raise GeminiRefused(f"* GenerateContentRequest.{place}.parameters.type: should be OBJECT\n")
        _blame(faults_of(function["parameters"], place=f"{place}.parameters"))


def _check_calling(calling: dict[str, Json], *, names: set[str]) -> None:
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames", [])
    if mode in ("ANY", "VALIDATED") and not names:
        raise GeminiRefused("Function calling config is set without function_declarations.")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise GeminiRefused("Please set allowed_function_names only when function calling mode is ANY.")
    if unknown := [name for name in allowed if name not in names]:
        raise GeminiRefused(f"allowed_function_names: {unknown[0][:100]} is not one of the function_declarations.")
