"""The endpoint of the OpenAI legacy completions, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.records import Json
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_completions.reference import CompletionRequest, TextCompletion
from modelgate.gateway.endpoints_chat import PAID_ERRORS


def _prompt(prompt: Json, **more: Json) -> dict[str, Json]:
    return {"model": "gpt-3.5-turbo-instruct", "prompt": prompt, **more}


COMPLETIONS_CASES = (
    Case(name="plain", title="Completion", prose="A text, continued.", request=_prompt("Once upon a time", max_tokens=20)),
    Case(
        name="streaming",
        title="Streaming",
        prose="The text arrives in pieces; `include_usage` asks for a last chunk with the token counts.",
        request=_prompt("Once upon a time", max_tokens=20, stream=True, stream_options={"include_usage": True}),
    ),
    Case(
        name="prompts",
        title="Several prompts",
        prose="Each prompt is continued by itself; only where the upstream speaks this dialect.",
        request=_prompt(["One,", "Un,"], max_tokens=5),
    ),
)

COMPLETIONS_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/completions",
        name="create_completion",
        family="openai",
        home="relay",
        summary="Continue a text",
        description=(
            "The OpenAI legacy completions API. Where the upstream speaks it, fields that are not listed are passed on untouched. With a "
            "model of another kind the text becomes a conversation of one turn, and several prompts, prompts as tokens, `echo`, `suffix`, "
            "`best_of` and `logprobs` are refused with `unsupported_parameter`."
        ),
        request=CompletionRequest,
        response=TextCompletion,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        price_unit="token",
        cases=COMPLETIONS_CASES,
    ),
)
