"""A chat request in neutral words."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import AudioOutput, CacheMark, ChatRequest, Tool, ToolChoice, WebSearch
from modelgate.formats.chat.wire_format import ChatPeek
from modelgate.formats.json_fields import decode_fields, top_level
from modelgate.formats.openai_chat.decode_messages import Conversation
from modelgate.formats.openai_chat.hub_schema import FunctionTool, Request, RequestTool
from modelgate.formats.openai_chat.options import NAME, decode_output, decode_reasoning, decode_tool_choice
from modelgate.formats.openai_chat.peek import own
from modelgate.formats.openai_chat.request import say

_decoder = msgspec.json.Decoder(Request)
_HUB_FIELDS = frozenset(Request.__struct_fields__)
MAX_IGNORED = 32
MAX_FIELD_CHARACTERS = 64


def decode_request(request: HttpRequest, peek: ChatPeek) -> ChatRequest:
    """Return what a chat request asks for.

    Raises:
        InvalidRequest: a field of the wrong type, or a part that is not what it says; `param` names it.
    """
    asked = decode_fields(_decoder, request.body, say=say)
    conversation = Conversation()
    for at, message in enumerate(asked.messages):
        conversation.add(message, param=f"messages[{at}]")
    google = asked.google or (asked.extra_body.google if asked.extra_body is not None else None)
    pictures = google.image_config if google is not None else None
    legacy = own(peek).is_legacy
    return ChatRequest(
        model=asked.model,
        messages=conversation.messages(),
        system=tuple(conversation.system),
        stream=bool(asked.stream),
        max_output_tokens=asked.max_completion_tokens if asked.max_completion_tokens is not None else asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=_stops(asked.stop),
        n=asked.n,
        seed=asked.seed,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        logit_bias={token: int(bias) for token, bias in asked.logit_bias.items()} if asked.logit_bias else None,
        logprobs=asked.logprobs,
        top_logprobs=asked.top_logprobs,
        tools=_tools(asked, request.body),
        tool_choice=_tool_choice(asked),
        parallel_tool_calls=False if legacy else asked.parallel_tool_calls,
        output=decode_output(asked),
        reasoning=decode_reasoning(asked, google),
        verbosity=asked.verbosity or "",
        modalities=tuple(asked.modalities or ()),
        audio=AudioOutput(voice=asked.audio.voice, format=asked.audio.format) if asked.audio is not None else None,
        image_aspect_ratio=(pictures.aspect_ratio or "") if pictures is not None else "",
        image_size=(pictures.image_size or "") if pictures is not None else "",
        web_search=_web_search(asked),
        prediction=asked.prediction,
        user=asked.user or asked.safety_identifier or "",
        metadata=asked.metadata,
        service_tier=asked.service_tier or "",
        store=asked.store,
        prompt_cache_key=asked.prompt_cache_key or "",
        gemini_safety_settings=google.safety_settings if google is not None else None,
        ignored=_ignored(request.body),
    )


def _ignored(body: bytes | bytearray) -> tuple[str, ...]:
    """Return the fields that say something and that the hub has no word for, up to a bound."""
    unknown = [name for name, value in top_level(body).items() if name not in _HUB_FIELDS and bytes(value) != b"null"]
    return tuple(name for name in unknown if name.isprintable() and len(name) <= MAX_FIELD_CHARACTERS)[:MAX_IGNORED]


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    if stop is None:
        return ()
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _web_search(asked: Request) -> WebSearch | None:
    options = asked.web_search_options
    return None if options is None else WebSearch(context_size=options.search_context_size or "", location=options.user_location)


def _tool_choice(asked: Request) -> ToolChoice | None:
    if asked.tool_choice is None and not asked.tools:
        return decode_tool_choice(asked.function_call, param="function_call")
    return decode_tool_choice(asked.tool_choice, param="tool_choice")


def _tools(asked: Request, body: bytes | bytearray) -> tuple[Tool, ...]:
    if not asked.tools:
        return tuple(_function(function, None) for function in asked.functions or ())
    if all(tool.function or tool.custom for tool in asked.tools):
        return tuple(_tool(tool, None, param=f"tools[{at}]") for at, tool in enumerate(asked.tools))
    definitions: list[Json] = msgspec.json.decode(top_level(body)["tools"])
    return tuple(_tool(tool, definitions[at], param=f"tools[{at}]") for at, tool in enumerate(asked.tools))


def _function(function: FunctionTool, cache: CacheMark | None) -> Tool:
    return Tool(name=function.name, description=function.description or "", schema=function.parameters, strict=function.strict, cache=cache)


def _tool(tool: RequestTool, definition: Json, *, param: str) -> Tool:
    """Numbered cases: 1. a function; 2. a custom tool; 3. one that the vendor runs itself."""
    cache = None if tool.cache_control is None else CacheMark(ttl=tool.cache_control.ttl or "")
    if tool.function is not None:
        return _function(tool.function, cache)
    if tool.custom is not None:
        custom = tool.custom
        return Tool(name=custom.name, description=custom.description or "", custom=True, grammar=custom.format, cache=cache)
    if tool.type in ("function", "custom"):
        missing = f"{param}.{tool.type}"
        raise InvalidRequest(f"'{missing}' is required.", param=missing, code="missing_required_parameter")
    return Tool(name=tool.type, vendor=definition, vendor_format=NAME, cache=cache)
