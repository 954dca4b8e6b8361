"""What is asked and what is answered."""

import json

import msgspec

CHUNKS = 100
"""Separately written pieces of one streamed answer."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of traffic. `model` picks the upstream; sizes are in bytes; `weight_s` multiplies the length of a run."""

    name: str
    model: str
    request_bytes: int = 1024
    answer_bytes: int = 1024
    tls: bool = False
    stream: bool = False
    connections: int = 100

    def body(self) -> bytes:
        """Return the request's body, of the announced size."""
        message = {"model": self.model, "messages": [{"role": "user", "content": ""}]}
        if self.stream:
            message["stream"] = True
        if self.request_bytes > 100_000:  # a picture in the request
            parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": ""}}]
            message["messages"] = [{"role": "user", "content": parts}]
            room = self.request_bytes - len(json.dumps(message)) - len("data:image/png;base64,")
            parts[1]["image_url"] = {"url": "data:image/png;base64," + "iVBORw0K" * (room // 8) + "A" * (room % 8)}
        else:
            message["messages"] = [{"role": "user", "content": "x" * (self.request_bytes - len(json.dumps(message)))}]
        return json.dumps(message).encode()

    def answer(self) -> bytes:
        """Return the upstream's answer, of the announced size, with usage."""
        return chat_answer(self.model, self.answer_bytes)


def chat_answer(model: str, size: int) -> bytes:
    """Return a chat completion of so many bytes."""
    message = {"role": "assistant", "content": "", "refusal": None}
    answer = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300},
    }
    message["content"] = "y" * (size - len(json.dumps(answer)))
    return json.dumps(answer).encode()


CHAT = Scenario(name="1 KB each way", model="bench-1k")
CHAT_TLS = Scenario(name="1 KB each way, TLS upstream", model="bench-1k-tls", tls=True)
STREAM = Scenario(name=f"stream of {CHUNKS} chunks", model="bench-stream", stream=True, connections=100)
TEN = Scenario(name="10 KB each way", model="bench-10k", request_bytes=10_240, answer_bytes=10_240)
TEN_TLS = Scenario(name="10 KB each way, TLS upstream", model="bench-10k-tls", request_bytes=10_240, answer_bytes=10_240, tls=True)
PICTURE = Scenario(name="1 MB up, 1 KB down", model="bench-1m", request_bytes=1_048_576, connections=8)
PICTURE_TLS = Scenario(name="1 MB up, 1 KB down, TLS upstream", model="bench-1m-tls", request_bytes=1_048_576, tls=True, connections=8)

SCENARIOS = (CHAT, STREAM, CHAT_TLS, TEN, TEN_TLS, PICTURE, PICTURE_TLS)
