"""OpenAI's responses, as a client that keeps its own history writes and reads them."""

import json
from collections.abc import Iterator

from tests.integration.gateway.dialects.ask import Ask, Call, Counted, Json, Model, Results, Told, User


class OpenaiResponses:
    name = "openai_responses"
    finishes = {
        "stop": "completed",
        "length": "incomplete: max_output_tokens",
        "tools": "completed",
        "named": "completed",
        "filtered": "incomplete: content_filter",
    }

    def path(self, model: str, mode: str) -> str:
        del model, mode
        return "/v1/responses"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def body(self, ask: Ask, *, model: str, mode: str) -> dict[str, Json]:
        items: list[Json] = []
        for turn in ask.turns:
            items += _items(turn)
        body: dict[str, Json] = {"model": model, "input": items, "store": False}
        if ask.system:
            body["instructions"] = ask.system
        if ask.tools:
            body["tools"] = [{"type": "function", "name": tool.name, "parameters": tool.schema, "strict": False} for tool in ask.tools]
        if ask.choice:
            body["tool_choice"] = ask.choice if ask.choice == "required" else {"type": "function", "name": ask.choice}
        if ask.schema is not None:
            body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}}
        if ask.json:
            body["text"] = {"format": {"type": "json_object"}}
        if ask.limit is not None:
            body["max_output_tokens"] = ask.limit
        if ask.thinks:
            body["reasoning"] = {"effort": "low", "summary": "auto"}
        if ask.thinks or (ask.tools and not model.startswith("gpt-4")):
            body["include"] = ["reasoning.encrypted_content"]  # or the next turn names thoughts that nobody kept
        if mode != "whole":
            body["stream"] = True
        return body

    def whole(self, pieces: list[Json]) -> Json:
        assert [piece["sequence_number"] for piece in pieces] == list(range(len(pieces)))
        assert [piece["type"] for piece in pieces[:2]] == ["response.created", "response.in_progress"]
        assert pieces[-1]["type"] in ("response.completed", "response.incomplete")
        answer = pieces[-1]["response"]
        done = {piece["output_index"]: piece["item"] for piece in pieces if piece["type"] == "response.output_item.done"}
        assert [done[index] for index in sorted(done)] == answer["output"]
        for kind, told in (
            (
                "response.output_text.delta",
                "".join(
                    part["text"]
                    for item in answer["output"]
                    for part in item.get("content") or ()
                    if item["type"] == "message" and "text" in part
                ),
            ),
            (
                "response.function_call_arguments.delta",
                "".join(item["arguments"] for item in answer["output"] if item["type"] == "function_call"),
            ),
        ):
            assert "".join(piece["delta"] for piece in pieces if piece["type"] == kind) == told
        return answer

    def read(self, answer: Json) -> Told:
        output = answer["output"]
        parts = [part for item in output if item["type"] == "message" for part in item["content"]]
        finish = answer["status"]
        if answer.get("incomplete_details"):
            finish = f"{finish}: {answer['incomplete_details']['reason']}"
        return Told(
            text="".join(part.get("text") or part.get("refusal") or "" for part in parts),
            thoughts="".join(part["text"] for item in output if item["type"] == "reasoning" for part in item["summary"]),
            calls=tuple(
                Call(item["call_id"], item["name"], json.loads(item["arguments"])) for item in output if item["type"] == "function_call"
            ),
            pictures=tuple(item["result"] for item in output if item["type"] == "image_generation_call"),
            finish=finish,
            usage=_counted(answer.get("usage") or {}),
            turn=output,
        )

    def error_in(self, piece: Json) -> Json:
        if piece["type"] == "response.failed":
            return piece["response"]["error"]
        return piece if piece["type"] == "error" else None


def _counted(usage: Json) -> Counted | None:
    if usage.get("input_tokens", 0) <= 0:
        return None
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    of_input = usage["input_tokens_details"]
    return Counted(
        usage["input_tokens"],
        usage["output_tokens"],
        of_input["cached_tokens"],
        of_input.get("cache_write_tokens") or 0,
        usage["output_tokens_details"]["reasoning_tokens"],
    )


def _items(turn: User | Model | Results) -> list[Json]:
    match turn:
        case User(text=text, picture="", document=""):
            return [{"role": "user", "content": text}]
        case User():
            return [{"role": "user", "content": list(_parts(turn))}]
        case Model(turn=sent):
            return list(sent)
        case Results(results=results):
            return [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in results]


def _parts(turn: User) -> Iterator[Json]:
    yield {"type": "input_text", "text": turn.text}
    if turn.picture:
        yield {"type": "input_image", "image_url": f"data:image/png;base64,{turn.picture}", "detail": "auto"}
    if turn.document:
        yield {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{turn.document}"}
