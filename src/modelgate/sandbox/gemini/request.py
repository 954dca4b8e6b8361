"""A generation that passed the checks, as the answering parts read it."""

from base64 import b64encode
from itertools import chain

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.chat_ask import ChatAsk, Tool, ToolMode
from modelgate.sandbox.gemini.checks import outputs_of
from modelgate.sandbox.gemini.content_checks import is_spoken, responses_in
from modelgate.sandbox.gemini.media import Media, media_of
from modelgate.sandbox.gemini.models import Traits, hidden_tokens
from modelgate.sandbox.gemini.schema_checks import to_json_schema
from modelgate.sandbox.magic import Magic, read_magic

MAX_DESCRIBED = 16
_SEEN = ("image/png", "image/jpeg", "image/webp")


class GeminiAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One generation. `chat` is what the make-believe model is asked; `outputs` are the modalities it answers in.

    `shown`: what the user last showed. `settings`: the generationConfig.
    """

    chat: ChatAsk
    body: dict[str, Json]
    settings: dict[str, Json]
    traits: Traits
    outputs: tuple[str, ...]
    shown: tuple[Media, ...]
    n: int
    searches: bool
    runs_code: bool

    @property
    def magic(self) -> Magic:
        """The magic of the request."""
        return self.chat.magic


def read_generation(body: dict[str, Json], *, model: str, traits: Traits, stream: bool) -> GeminiAsk:
    """Return the request behind a body that `check_generation` let pass."""
    contents, settings = body["contents"], body.get("generationConfig", {})
    spoken: dict[str, Json] = next((content for content in reversed(contents) if is_spoken(content)), {"parts": []})
    magic = read_magic(model, text_of(spoken))
    shown = tuple(filter(None, map(media_of, spoken["parts"])))
    pictures = [media for media in shown if _is_seen(media)]
    others = [media for media in shown if not _is_seen(media)]
    tools, mode = _tools(body)
    thinking = settings.get("thinkingConfig", {})
    hidden = hidden_tokens(traits, thinking)
    format_, schema = _format(settings)
    chat = ChatAsk(
        model=model,
        magic=magic,
        text=magic.text,
        images=tuple((_data_url(media), "auto") for media in pictures),
        documents=tuple(media.describe(number) for number, media in enumerate(others[:MAX_DESCRIBED], 1)),
        results=tuple((response["name"], _result_of(response["response"])) for response in responses_in(contents[-1])),
        stream=stream,
        stops=tuple(settings.get("stopSequences", ())),
        limit=settings.get("maxOutputTokens"),
        tools=tools,
        mode=mode,
        format=format_,
        schema=schema,
        hidden_tokens=hidden,
        thinks=bool(thinking.get("includeThoughts")) and hidden > 0,
    )
    built_in = set(chain.from_iterable(body.get("tools", ())))
    return GeminiAsk(
        chat=chat,
        body=body,
        settings=settings,
        traits=traits,
        outputs=outputs_of(settings, traits),
        shown=shown,
        n=settings.get("candidateCount", 1),
        searches=bool(built_in & {"googleSearch", "googleSearchRetrieval"}),
        runs_code="codeExecution" in built_in,
    )


def text_of(content: dict[str, Json]) -> str:
    """Return the text of a content, parts joined by line ends; thoughts are not part of it."""
    return "\n".join(part["text"] for part in content["parts"] if part.get("text") and not part.get("thought"))


def functions_of(body: dict[str, Json]) -> list[dict[str, Json]]:
    """Return all declared functions."""
    return [function for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())]


def _is_seen(media: Media) -> bool:
    return media.kind in _SEEN and bool(media.data)


def _data_url(media: Media) -> str:
    return f"data:{media.kind};base64,{b64encode(media.data).decode()}"


def _result_of(response: dict[str, Json]) -> str:
    """Return what a function said; the vendor's own words for a lone value are `output` and `result`."""
    lone = next(iter(response.values())) if len(response) == 1 and set(response) <= {"output", "result"} else None
    return lone if isinstance(lone, str) else msgspec.json.encode(response).decode()


def _tools(body: dict[str, Json]) -> tuple[tuple[Tool, ...], ToolMode]:
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = frozenset(calling.get("allowedFunctionNames", ()))
    tools = tuple(
        Tool(name=function["name"], parameters=_parameters(function))
        for function in functions_of(body)
        if not allowed or function["name"] in allowed
    )
    wanted = calling.get("mode", "AUTO")
    mode: ToolMode = "none" if not tools or wanted == "NONE" else "required" if wanted == "ANY" else "auto"
    return tools, mode


def _parameters(function: dict[str, Json]) -> Json:
    if "parameters" in function:
        return to_json_schema(function["parameters"])
    given = function.get("parametersJsonSchema")
    return given if isinstance(given, dict) else None


def _format(settings: dict[str, Json]) -> tuple[str, Json]:
    """Return the format of the answer, in the words of `ChatAsk`, and its schema."""
    if (settings.get("responseMimeType") or "text/plain") == "text/plain":
        return "text", None
    if "responseSchema" in settings:
        return "json_schema", to_json_schema(settings["responseSchema"])
    if isinstance(settings.get("responseJsonSchema"), dict):
        return "json_schema", settings["responseJsonSchema"]
    return "json_object", None
