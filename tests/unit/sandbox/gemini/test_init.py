import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.gemini import GeminiSandbox
from modelgate.sandbox.tokens import Tokenizer

KEY = "AIza-sandbox"
BODY = {"contents": [{"role": "user", "parts": [{"text": "magic: tokens 30 8"}]}]}
FLASH = "/v1beta/models/gemini-2.5-flash"


async def _other(_: Request) -> PlainTextResponse:
    return PlainTextResponse("another vendor")


class Vendor:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self.counter = Counter()
        vendor = GeminiSandbox(tokenizer=tokenizer, counter=self.counter)
        other = Route("/v1/{rest:path}", _other, methods=["GET", "POST"])
        self.client = TestClient(Starlette(routes=[*vendor.routes(), other]), headers={"x-goog-api-key": KEY, "x-request-id": "req_9"})

    def counted(self) -> list[tuple[Any, ...]]:
        entries = self.counter.after(0)
        return [(entry.model, entry.prompt_tokens, entry.completion_tokens, entry.finished, entry.status) for entry in entries]


@pytest.fixture
def vendor(tokenizer: Tokenizer) -> Vendor:
    return Vendor(tokenizer)


@pytest.mark.parametrize("place", ["/v1", "/v1beta", "/gemini/v1", "/gemini/v1beta"])
def test_an_answer_is_given_and_counted(vendor: Vendor, place: str) -> None:
    response = vendor.client.post(f"{place}/models/gemini-2.5-flash%3AgenerateContent", json=BODY)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    assert response.json()["usageMetadata"]["totalTokenCount"] == 38
    assert vendor.counted() == [("gemini-2.5-flash", 30, 8, True, 200)]
    assert vendor.counter.after(0)[0].request_id == "req_9"
    assert vendor.counter.after(0)[0].vendor == "gemini"


def test_a_stream_of_events(vendor: Vendor) -> None:
    response = vendor.client.post(f"{FLASH}:streamGenerateContent?alt=sse", json=BODY)
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, rest = response.content.split(b"\r\n\r\n")
    assert rest == b""
    assert [json.loads(event.removeprefix(b"data: "))["usageMetadata"]["promptTokenCount"] for event in events] == [30] * len(events)
    assert vendor.counted() == [("gemini-2.5-flash", 30, 8, True, 200)]


def test_a_stream_as_an_array(vendor: Vendor) -> None:
    response = vendor.client.post(f"{FLASH}:streamGenerateContent", json=BODY)
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in response.json()]
    assert "".join(texts) == "ok ok ok ok ok ok ok ok"
    assert len(texts) == 8
    assert vendor.counted() == [("gemini-2.5-flash", 30, 8, True, 200)]


def test_errors_in_and_before_a_stream(vendor: Vendor) -> None:
    broken = {"contents": [{"parts": [{"text": "Count to 20\nmagic: error-in-stream"}]}]}
    listed = vendor.client.post(f"{FLASH}:streamGenerateContent", json=broken).json()
    assert listed[-1]["error"]["status"] == "UNAVAILABLE"
    assert len(listed) > 3
    events = vendor.client.post(f"{FLASH}:streamGenerateContent?alt=sse", json=broken).content.split(b"\r\n\r\n")
    assert json.loads(events[-1])["error"]["code"] == 503
    whole = vendor.client.post(f"{FLASH}:generateContent", json=broken)
    assert (whole.status_code, whole.json()["error"]["status"]) == (500, "INTERNAL")
    assert [entry[3:] for entry in vendor.counted()] == [(False, 200), (False, 200), (False, 500)]
    early = vendor.client.post(f"{FLASH}:streamGenerateContent", json={})
    assert (early.status_code, early.json()[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "error" in vendor.client.post(f"{FLASH}:streamGenerateContent?alt=sse", json={}).json()


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"x-goog-api-key": KEY}, "", 200),
        ({}, f"?key={KEY}", 200),
        ({"authorization": f"Bearer {KEY}"}, "", 200),
        ({"x-goog-api-key": "sk-sandbox"}, "", 400),
        ({}, "?key=nonsense", 400),
        ({"authorization": "Bearer nonsense"}, "", 400),
        ({"authorization": f"Basic {KEY}"}, "", 403),
        ({}, "", 403),
    ],
)
def test_the_key(vendor: Vendor, headers: dict[str, str], query: str, status: int) -> None:
    del vendor.client.headers["x-goog-api-key"]
    response = vendor.client.post(f"{FLASH}:generateContent{query}", json=BODY, headers=headers)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert len(vendor.counted()) == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "Unexpected token"),
        (b"[" * 100_000, "Unexpected token"),
        (b"[]", "Expected an object"),
        (b"", "contents is not specified"),
        (b'{"contents": [{"parts": [{"text": "Hi", "foo": 1}]}]}', "Unknown name \"foo\" at 'contents[0].parts[0]'"),
    ],
)
def test_bodies_that_are_refused(vendor: Vendor, content: bytes, complaint: str) -> None:
    response = vendor.client.post(f"{FLASH}:generateContent", content=content)
    assert response.status_code == 400
    assert complaint in response.json()["error"]["message"]
    assert vendor.counted() == [("gemini-2.5-flash", 0, 0, False, 400)]


def test_a_schema_without_a_value(vendor: Vendor) -> None:
    settings = {"responseMimeType": "application/json", "responseSchema": {"type": "INTEGER", "minimum": 2, "maximum": 1}}
    response = vendor.client.post(
        f"{FLASH}:generateContent", json={**BODY, "contents": [{"parts": [{"text": "x"}]}], "generationConfig": settings}
    )
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_counting_takes_either_form_and_is_free(vendor: Vendor) -> None:
    contents = [{"parts": [{"text": "one two three"}]}]
    plain = vendor.client.post(f"{FLASH}:countTokens", json={"contents": contents}).json()
    assert plain == {"totalTokens": 3, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}]}
    whole = {"model": "models/gemini-2.5-flash", "contents": contents, "systemInstruction": {"parts": [{"text": "four"}]}}
    assert vendor.client.post(f"{FLASH}:countTokens", json={"generateContentRequest": whole}).json()["totalTokens"] == 4
    assert vendor.client.post(f"{FLASH}:countTokens", json={"generateContentRequest": whole, "contents": contents}).status_code == 400
    assert vendor.client.post(f"{FLASH}:countTokens", json={}).status_code == 400
    assert vendor.counted() == []


def test_embeddings(vendor: Vendor) -> None:
    path = "/v1beta/models/gemini-embedding-001"
    content = {"parts": [{"text": "one two three"}]}
    one = vendor.client.post(f"{path}:embedContent", json={"content": content, "outputDimensionality": 8}).json()
    entry = {"model": "models/gemini-embedding-001", "content": content, "output_dimensionality": 8}
    many = vendor.client.post(f"{path}:batchEmbedContents", json={"requests": [entry, entry]}).json()
    assert many == {"embeddings": [one["embedding"]] * 2}
    assert len(one["embedding"]["values"]) == 8
    assert vendor.counted() == [("gemini-embedding-001", 3, 0, True, 200), ("gemini-embedding-001", 6, 0, True, 200)]
    assert vendor.client.post("/v1beta/models/sandbox-error-429:embedContent", json={"content": content}).status_code == 429


def test_models_that_cannot(vendor: Vendor) -> None:
    for path in ("gemini-embedding-001:generateContent", "gemini-2.5-flash:embedContent", "sandbox-nothing:generateContent"):
        response = vendor.client.post(f"/v1beta/models/{path}", json=BODY)
        assert (response.status_code, response.json()["error"]["status"]) == (404, "NOT_FOUND")
        assert "is not found for API version v1beta" in response.json()["error"]["message"]


def test_models_are_listed(vendor: Vendor) -> None:
    for place in ("/v1", "/v1beta", "/gemini/v1", "/gemini/v1beta"):
        assert vendor.client.get(f"{place}/models?pageSize=1").json()["models"][0]["name"] == "models/gemini-2.5-flash"
        assert vendor.client.get(f"{place}/models/any-name").json()["name"] == "models/any-name"
    assert vendor.client.get("/v1beta/models/sandbox-nothing").status_code == 404
    assert vendor.client.get("/v1beta/nothing").json()["error"]["status"] == "NOT_FOUND"
    assert vendor.client.post(f"{FLASH}:nothing", json={}).status_code == 404


def test_paths_of_others_are_left_to_them(vendor: Vendor) -> None:
    assert vendor.client.post("/v1/models/gemini-2.5-flash", json={}).text == "another vendor"
    del vendor.client.headers["x-goog-api-key"]
    assert vendor.client.get("/v1/models").text == "another vendor"
    assert vendor.client.get("/v1/models/x", headers={"authorization": f"Bearer {KEY}"}).text == "another vendor"
    assert vendor.client.get(f"/v1/models?key={KEY}").json()["models"]


ONE_OF_EACH: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "Weather in Paris?"}, {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f", "args": {"city": "Paris"}}}]},
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "a",
                        "name": "f",
                        "response": {"output": "rain"},
                        "parts": [{"fileData": {"fileUri": "gs://a/b"}}],
                    }
                }
            ],
        },
        {"role": "user", "parts": [{"text": "And now?"}]},
    ],
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "tools": [
        {
            "functionDeclarations": [
                {"name": "f", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING", "enum": ["x"]}}}}
            ]
        }
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "generationConfig": {
        "temperature": 1,
        "candidateCount": 1,
        "stopSequences": ["x"],
        "maxOutputTokens": 500,
        "responseMimeType": "text/plain",
        "responseModalities": ["TEXT"],
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 99},
        "imageConfig": {"aspectRatio": "1:1"},
        "speechConfig": {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "a"}, {"speaker": "b"}]}},
        "responseLogprobs": True,
        "logprobs": 1,
    },
}
ODDITIES: tuple[Any, ...] = (None, -1, 0.5, "", "x", [], {}, {"type": "ARRAY"})


def places(body: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a body."""
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [each for key, value in pairs for each in ((body, key), *places(value))]


@pytest.mark.parametrize("method", ["generateContent", "countTokens"])
def test_no_body_breaks_it(vendor: Vendor, method: str) -> None:
    """Whatever stands in one place of a body, the answer is an answer or a refusal: an exception would come out of the client here."""
    path = f"/v1beta/models/sandbox-chat:{method}"
    wrapped = method == "countTokens"
    assert vendor.client.post(path, json={"generateContentRequest": ONE_OF_EACH} if wrapped else ONE_OF_EACH).status_code == 200
    answered = set()
    for number in range(len(places(ONE_OF_EACH))):
        for oddity in (*ODDITIES, ...):
            body = json.loads(json.dumps(ONE_OF_EACH))
            container, key = places(body)[number]
            if oddity is ...:
                del container[key]
            else:
                container[key] = oddity
            answered.add(vendor.client.post(path, json={"generateContentRequest": body} if wrapped else body).status_code)
    assert answered == {200, 400}
