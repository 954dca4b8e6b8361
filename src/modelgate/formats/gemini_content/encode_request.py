"""A neutral request for an upstream that speaks this dialect."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.request import AudioOutput, ChatRequest, OutputFormat, Reasoning
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.address import DEFAULT_PATH, GENERATE, STREAM, upstream_path
from modelgate.formats.gemini_content.encode_contents import encode_contents
from modelgate.formats.gemini_content.model_facts import ModelFacts, budget_of, effort_of_budget, facts_of, level_of, within_budget
from modelgate.formats.gemini_content.schema import is_object
from modelgate.formats.gemini_content.schema_subset import clean_schema
from modelgate.formats.gemini_content.sound import RAW_FORMAT
from modelgate.formats.gemini_content.tools import encode_tool_choice, encode_tools

MAX_STOP_SEQUENCES = 5
_SEEDS = range(-(2**31), 2**31)
_DYNAMIC_BUDGET = -1
_HINTS = (
    "parallel_tool_calls",
    "logit_bias",
    "verbosity",
    "prediction",
    "user",
    "metadata",
    "service_tier",
    "store",
    "prompt_cache_key",
)
"""Fields of the neutral request that cannot be said here and do no harm left out."""
_UNSAID = {"n": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0, "parallel_tool_calls": True, "store": False}
"""What is so anyway: not every model lets it be said."""
_NUMBERS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_output_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}


def encode_request(request: ChatRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what an upstream is sent.

    Raises:
        InvalidRequest: what changes the meaning and cannot be said; `param` is the neutral field's name.
    """
    facts = facts_of(upstream_model)
    asked, ignored = _without(request, quirks)
    config = _config(asked, facts, quirks=quirks, ignored=ignored)
    modalities = config.get("responseModalities", ())
    instruction = "\n".join(part.text for part in asked.system if part.text)
    is_instructed = facts.instructions == "always" or (facts.instructions == "without_images" and "IMAGE" not in modalities)
    body: dict[str, Json] = {
        "contents": encode_contents(asked.messages, facts, preface="" if is_instructed else instruction),
    }
    if instruction and is_instructed:
        body["systemInstruction"] = {"parts": [{"text": instruction}]}
    tools = encode_tools(asked, facts)
    if tools:
        body["tools"] = tools
        choice = encode_tool_choice(asked)
        if choice is not None and "functionDeclarations" in tools[0]:
            body["toolConfig"] = choice
    if asked.gemini_safety_settings is not None:
        body["safetySettings"] = asked.gemini_safety_settings
    if config:
        body["generationConfig"] = config
    method = STREAM if request.stream else GENERATE
    template = quirks.paths.get(NAME, DEFAULT_PATH)
    path = upstream_path(template, model=upstream_model, method=method, query=(quirks.query,), is_sse=request.stream)
    return UpstreamAsk(path=path, body=msgspec.json.encode(body), ignored=tuple(ignored))


def _without(request: ChatRequest, quirks: Quirks) -> tuple[ChatRequest, list[str]]:
    """Return the request without what the vendor has no word for, or refuses, and the names of that."""
    empty = ChatRequest(model="", messages=())
    refused = [name for name in sorted(quirks.refuses) if name in ChatRequest.__struct_fields__]
    said = [name for name in dict.fromkeys((*_HINTS, *refused)) if getattr(request, name) != getattr(empty, name)]
    ignored = [name for name in said if name not in _UNSAID or getattr(request, name) != _UNSAID[name]]
    return msgspec.structs.replace(request, **{name: getattr(empty, name) for name in said}), ignored


def _config(request: ChatRequest, facts: ModelFacts, *, quirks: Quirks, ignored: list[str]) -> dict[str, Json]:
    if request.n is not None and request.n > 1 and request.stream:
        raise InvalidRequest("Gemini streams one answer only: ask for one, or without a stream.", param="n", code="unsupported_parameter")
    config: dict[str, Json] = {}
    for field, name in _NUMBERS.items():
        value = getattr(request, field)
        if value is None or _UNSAID.get(field) == value:
            continue
        if (field == "top_p" and value <= 0) or (field == "seed" and value not in _SEEDS):
            ignored.append(field)
        elif field != "top_logprobs" or (value > 0 and request.logprobs):
            config[name] = value
    if request.stop:
        stops = [stop for stop in request.stop if stop]
        config["stopSequences"] = stops[:MAX_STOP_SEQUENCES]
        if len(stops) > MAX_STOP_SEQUENCES:
            ignored.append("stop")
    if request.output is not None:
        config |= _output(request.output, facts, has_schema=quirks.has_json_schema, ignored=ignored)
    if request.reasoning is not None:
        thinking = _thinking(request.reasoning, facts)
        if thinking:
            config["thinkingConfig"] = thinking
        elif facts.thinking == "none" and request.reasoning.effort != "none":
            ignored.append("reasoning")
    return config | _outputs(request, facts)


def _output(output: OutputFormat, facts: ModelFacts, *, has_schema: bool, ignored: list[str]) -> dict[str, Json]:
    made: dict[str, Json] = {"responseMimeType": "application/json"}
    if output.kind == "schema" and output.schema is not None:
        if not has_schema:
            ignored.append("output")
        elif facts.has_json_schema:
            made["responseJsonSchema"] = output.schema
        else:
            made["responseSchema"] = clean_schema(output.schema, param="output")
    return made


def _thinking(reasoning: Reasoning, facts: ModelFacts) -> dict[str, Json]:
    """Numbered cases: 1. a model without thoughts; 2. one told how deep; 3. one told how many tokens."""
    if facts.thinking == "none":
        return {}
    effort, budget_tokens = reasoning.effort, reasoning.budget_tokens
    made: dict[str, Json] = {}
    if facts.thinking == "level":
        if budget_tokens is not None and not effort:
            effort = effort_of_budget(budget_tokens)
        if effort:
            made["thinkingLevel"] = level_of(effort, facts)
    elif effort:
        made["thinkingBudget"] = budget_of(effort, facts)
    elif budget_tokens is not None:
        made["thinkingBudget"] = within_budget(budget_tokens, facts)
    elif reasoning.adaptive:
        made["thinkingBudget"] = _DYNAMIC_BUDGET
    show = reasoning.show if reasoning.show is not None else effort != "none"
    if show or reasoning.show is not None:
        made["includeThoughts"] = show
    return made


def _outputs(request: ChatRequest, facts: ModelFacts) -> dict[str, Json]:
    """Return what kinds of answer are wanted, and how pictures and sound shall be."""
    made: dict[str, Json] = {}
    wanted = tuple(name.upper() for name in request.modalities)
    if "AUDIO" in wanted and request.audio is not None:
        wanted = ("AUDIO",)  # speech models make nothing beside it
    if "AUDIO" in (wanted or facts.outputs):
        made["speechConfig"] = _speech(request.audio, stream=request.stream)
    if "IMAGE" in wanted and "TEXT" not in wanted and "IMAGE" in facts.outputs:
        wanted = ("TEXT", *wanted)  # pictures alone are refused by the older ones
    if wanted in ((), ("TEXT",)):
        wanted = facts.outputs
    if wanted:
        made["responseModalities"] = list(wanted)
    shape = {"aspectRatio": request.image_aspect_ratio, "imageSize": request.image_size}
    if any(shape.values()):
        made["imageConfig"] = {name: value for name, value in shape.items() if value}
    return {name: value for name, value in made.items() if value}


def _speech(audio: AudioOutput | None, *, stream: bool) -> Json:
    if audio is None:
        return {}
    voice = audio.voice
    name = voice.get("id") if is_object(voice) else voice
    if not isinstance(name, str):
        return voice  # in this dialect's own words
    expected = RAW_FORMAT if stream else "wav"
    if audio.format != expected:
        how = "streamed" if stream else "in one piece"
        raise InvalidRequest(f"Gemini's sound, {how}, can be had as {expected} only.", param="audio", code="unsupported_parameter")
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}}
