from typing import Any

import pytest

from modelgate.sandbox.gemini.checks import check_generation, outputs_of
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.models import traits_of

FLASH = "gemini-2.5-flash"
FUNCTION = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
FUNCTIONS = {"tools": [{"functionDeclarations": [FUNCTION]}]}
TEXT = {"parts": [{"text": "x"}]}


def check(model: str = FLASH, *, stream: bool = False, settings: dict[str, Any] | None = None, **body: Any) -> None:
    whole = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": settings or {}, **body}
    check_generation(whole, model=model, traits=traits_of(model), stream=stream)


def functions(*declared: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"functionDeclarations": list(declared)}]


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 2.0, "topP": 1.0, "topK": 40, "candidateCount": 8, "maxOutputTokens": 1, "stopSequences": ["a"] * 5},
        {"responseLogprobs": True, "logprobs": 20, "presencePenalty": 1.0},
        {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "additionalProperties": False}},
        {"thinkingConfig": {"thinkingBudget": -1}},
        {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}},
    ],
)
def test_settings_that_are_taken(settings: dict[str, Any]) -> None:
    check(settings=settings)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"temperature": 2.1}, "generation_config.temperature"),
        ({"topP": 0.0}, "generation_config.top_p"),
        ({"topP": 1.1}, "generation_config.top_p"),
        ({"topK": 0}, "generation_config.top_k"),
        ({"maxOutputTokens": 0}, "generation_config.max_output_tokens"),
        ({"candidateCount": 9}, "generation_config.candidate_count"),
        ({"candidateCount": 0}, "generation_config.candidate_count"),
        ({"stopSequences": ["a"] * 6}, "generation_config.stop_sequences"),
        ({"stopSequences": [""]}, "generation_config.stop_sequences"),
        ({"logprobs": 2}, "generation_config.logprobs"),
        ({"responseLogprobs": True, "logprobs": 21}, "generation_config.logprobs"),
        ({"presencePenalty": 3.0}, "generation_config.presence_penalty"),
        ({"responseMimeType": "text/html"}, "generation_config.response_mime_type"),
        ({"responseSchema": {"type": "STRING"}}, "Schema output is only supported"),
        ({"responseMimeType": "text/x.enum"}, "generation_config.response_schema"),
        ({"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY"}}, "response_schema.items: missing field"),
        ({"responseMimeType": "application/json", "responseSchema": {}, "responseJsonSchema": {}}, "response_json_schema"),
        ({"responseMimeType": "application/json", "responseJsonSchema": "x"}, "response_json_schema"),
        ({"imageConfig": {"aspectRatio": "7:1"}}, "aspect_ratio"),
        ({"imageConfig": {"imageSize": "8K"}}, "image_size"),
        ({"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Bob"}}}}, "Voice name Bob"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check(settings=settings)


@pytest.mark.parametrize(
    ("model", "thinking", "complaint"),
    [
        ("gemini-2.5-pro", {"thinkingBudget": 0}, "only works in thinking mode"),
        ("gemini-2.5-pro", {"thinkingBudget": 127}, "between 128 and 32768"),
        (FLASH, {"thinkingBudget": 24_577}, "between 0 and 24576"),
        (FLASH, {"thinkingBudget": -2}, "between 0 and 24576"),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 1}, "between 512 and 24576"),
        (FLASH, {"thinkingLevel": "LOW"}, "level is not supported"),
        ("gemini-3-pro-preview", {"thinkingLevel": "MINIMAL"}, "MINIMAL is not supported"),
        ("gemini-3-pro-preview", {"thinkingLevel": "LOW", "thinkingBudget": 1}, "only one of"),
        ("gemini-2.5-flash-image", {"includeThoughts": True}, "not enabled"),
    ],
)
def test_thinking_that_is_refused(model: str, thinking: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check(model, settings={"thinkingConfig": thinking})


def test_thinking_that_is_taken() -> None:
    check("gemini-2.5-flash-lite", settings={"thinkingConfig": {"thinkingBudget": 0}})
    check("gemini-3-flash-preview", settings={"thinkingConfig": {"thinkingLevel": "MINIMAL"}})
    check("gemini-2.0-flash", settings={"thinkingConfig": {"includeThoughts": False, "thinkingBudget": 0}})


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"tools": functions({"name": "1f"})}, r"tools\[0\].function_declarations\[0\].name"),
        ({"tools": functions({"name": "f" * 129})}, "Invalid function name"),
        ({"tools": functions({})}, "Invalid function name"),
        ({"tools": functions(FUNCTION, FUNCTION)}, "Duplicate function declaration found: f"),
        ({"tools": functions({"name": "f", "parameters": {"type": "OBJECT"}})}, "should be non-empty for OBJECT type"),
        ({"tools": functions({"name": "f", "parameters": {"type": "STRING"}})}, "should be OBJECT"),
        ({"tools": functions({**FUNCTION, "parametersJsonSchema": {}})}, "must not be set together"),
        ({"tools": [*FUNCTIONS["tools"], {"googleSearch": {}}]}, "function calling is unsupported"),
        ({**FUNCTIONS, "generationConfig": {"responseMimeType": "application/json"}}, "Function calling with a response mime type"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_declarations"),
        ({**FUNCTIONS, "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}}, "only when function calling mode is ANY"),
        ({**FUNCTIONS, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}}, "g is not one of"),
        ({"safetySettings": [{"category": "X"}, {"category": "X"}]}, "safety_settings"),
        ({"cachedContent": "cachedContents/1"}, "CachedContent not found"),
        ({"systemInstruction": {"parts": []}}, "system_instruction.parts"),
    ],
)
def test_bodies_that_are_refused(body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check(**body)


def test_newer_models_mix_tools_and_json() -> None:
    check("gemini-3-pro-preview", tools=[*FUNCTIONS["tools"], {"googleSearch": {}}], settings={"responseMimeType": "application/json"})


@pytest.mark.parametrize(
    ("model", "modalities", "taken"),
    [
        (FLASH, ["TEXT"], True),
        (FLASH, ["IMAGE"], False),
        ("gemini-2.5-flash-image", ["IMAGE"], True),
        ("gemini-2.0-flash-preview-image-generation", ["IMAGE"], False),
        ("gemini-2.0-flash-preview-image-generation", ["IMAGE", "TEXT"], True),
        ("gemini-2.5-flash-preview-tts", ["AUDIO"], True),
        ("gemini-2.5-flash-preview-tts", ["TEXT"], False),
        ("sandbox-slow", ["AUDIO"], True),
    ],
)
def test_outputs(model: str, modalities: list[str], taken: bool) -> None:
    settings = {"responseModalities": modalities}
    if taken:
        check(model, settings=settings)
        assert outputs_of(settings, traits_of(model)) == tuple(modalities)
        return
    with pytest.raises(GeminiRefused, match="combination of response modalities"):
        check(model, settings=settings)


def test_what_some_models_do_not_take() -> None:
    old = "gemini-2.0-flash-exp-image-generation"
    with pytest.raises(GeminiRefused, match="Developer instruction is not enabled"):
        check(old, systemInstruction=TEXT, settings={"responseModalities": ["TEXT", "IMAGE"]})
    check(old, systemInstruction=TEXT)
    check("gemini-2.5-flash-image", systemInstruction=TEXT)
    with pytest.raises(GeminiRefused, match="Penalty is not enabled"):
        check("gemini-2.5-pro", settings={"presencePenalty": 0.5})
    with pytest.raises(GeminiRefused, match="Tool use is not supported with AUDIO"):
        check("gemini-2.5-flash-preview-tts", **FUNCTIONS)
    with pytest.raises(GeminiRefused, match="candidate_count"):
        check(stream=True, settings={"candidateCount": 2})
