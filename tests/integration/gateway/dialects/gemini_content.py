"""Gemini's contents, as a client writes and reads them."""

from collections.abc import Iterator

from tests.integration.gateway.dialects.ask import Ask, Call, Counted, Json, Model, Results, Told, User


class GeminiContent:
    name = "gemini_content"
    finishes = {"stop": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS", "tools": "STOP", "named": "STOP", "filtered": "SAFETY"}

    def path(self, model: str, mode: str) -> str:
        method = {"whole": "generateContent", "stream": "streamGenerateContent?alt=sse", "array": "streamGenerateContent"}[mode]
        return f"/v1beta/models/{model}:{method}"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    def body(self, ask: Ask, *, model: str, mode: str) -> dict[str, Json]:
        del model, mode
        config: dict[str, Json] = {}
        body: dict[str, Json] = {"contents": [_content(turn) for turn in ask.turns]}
        if ask.system:
            body["systemInstruction"] = {"parts": [{"text": ask.system}]}
        if ask.tools:
            body["tools"] = [{"functionDeclarations": [{"name": tool.name, "parameters": tool.schema} for tool in ask.tools]}]
        if ask.choice:
            named = {} if ask.choice == "required" else {"allowedFunctionNames": [ask.choice]}
            body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY", **named}}
        if ask.schema is not None:
            config |= {"responseMimeType": "application/json", "responseJsonSchema": ask.schema}
        if ask.json:
            config["responseMimeType"] = "application/json"
        if ask.stop:
            config["stopSequences"] = list(ask.stop)
        if ask.limit is not None:
            config["maxOutputTokens"] = ask.limit
        if ask.thinks:
            config["thinkingConfig"] = {"includeThoughts": True, "thinkingLevel": "LOW"}
        if config:
            body["generationConfig"] = config
        return body

    def whole(self, pieces: list[Json]) -> Json:
        parts: list[Json] = []
        finish = None
        for piece in pieces:
            for candidate in piece.get("candidates") or ():
                assert finish is None, "something came after the end"
                finish = candidate.get("finishReason")
                for part in (candidate.get("content") or {}).get("parts") or ():
                    _add(parts, part)
        whole = {
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish}],
            "usageMetadata": pieces[-1].get("usageMetadata"),
        }
        feedback = [piece["promptFeedback"] for piece in pieces if "promptFeedback" in piece]
        return {**whole, "promptFeedback": feedback[0], "candidates": []} if feedback else whole

    def read(self, answer: Json) -> Told:
        (candidate,) = answer.get("candidates") or [{"finishReason": f"blocked: {answer.get('promptFeedback', {}).get('blockReason')}"}]
        content = candidate.get("content") or {"role": "model", "parts": []}
        parts = content.get("parts") or []
        return Told(
            text="".join(part["text"] for part in parts if "text" in part and not part.get("thought")),
            thoughts="".join(part["text"] for part in parts if part.get("thought")),
            calls=tuple(_call(part["functionCall"]) for part in parts if "functionCall" in part),
            pictures=tuple(part["inlineData"]["data"] for part in parts if "inlineData" in part),
            finish=candidate["finishReason"],
            usage=_counted(answer.get("usageMetadata") or {}),
            turn=content,
        )

    def error_in(self, piece: Json) -> Json:
        return piece.get("error")


def _counted(usage: Json) -> Counted | None:
    if usage.get("promptTokenCount", 0) <= 0:
        return None
    thought = usage.get("thoughtsTokenCount") or 0
    output = (usage.get("candidatesTokenCount") or 0) + thought
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + output
    return Counted(usage["promptTokenCount"], output, usage.get("cachedContentTokenCount") or 0, 0, thought)


def _add(parts: list[Json], part: Json) -> None:
    """Add a part of a stream: text goes on where it stopped, unless a signature ended it."""
    last = parts[-1] if parts else None
    goes_on = last is not None and "text" in last and "text" in part and "thoughtSignature" not in last
    if goes_on and last is not None and bool(last.get("thought")) == bool(part.get("thought")) and "thoughtSignature" not in part:
        last["text"] += part["text"]
    else:
        parts.append(dict(part))


def _call(call: Json) -> Call:
    return Call(call.get("id") or "", call["name"], call.get("args") or {})


def _content(turn: User | Model | Results) -> Json:
    match turn:
        case User():
            return {"role": "user", "parts": list(_parts(turn))}
        case Model(turn=sent):
            return sent
        case Results(results=results):
            return {"role": "user", "parts": [_response(call, text) for call, text in results]}


def _response(call: Call, text: str) -> Json:
    return {"functionResponse": {**({"id": call.id} if call.id else {}), "name": call.name, "response": {"result": text}}}


def _parts(turn: User) -> Iterator[Json]:
    yield {"text": turn.text}
    if turn.picture:
        yield {"inlineData": {"mimeType": "image/png", "data": turn.picture}}
    if turn.document:
        yield {"inlineData": {"mimeType": "application/pdf", "data": turn.document}}
