from typing import Any

from modelgate.sandbox.gemini.prompt import count_prompt
from modelgate.sandbox.tokens import Tokenizer


def count(tokenizer: Tokenizer, *parts: dict[str, Any], **body: Any) -> dict[str, int]:
    return count_prompt({"contents": [{"parts": list(parts)}], **body}, tokenizer).by_modality


def test_text_is_counted_by_the_tokenizer(tokenizer: Tokenizer) -> None:
    assert count(tokenizer, {"text": "one two three"}) == {"TEXT": 3}
    more = count(tokenizer, {"text": "one"}, systemInstruction={"parts": [{"text": "be kind"}]}, tools=[{"googleSearch": {}}])
    assert more["TEXT"] == 1 + 2 + tokenizer.count('[{"googleSearch":{}}]')
    schema = count(tokenizer, {"text": "one"}, generationConfig={"responseSchema": {"type": "STRING"}, "topK": 3})
    assert schema["TEXT"] == 1 + tokenizer.count('{"type":"STRING"}')


def test_calls_and_results_count(tokenizer: Tokenizer) -> None:
    call = count(tokenizer, {"functionCall": {"id": "left out", "name": "f", "args": {"a": 1}}, "thoughtSignature": b"left out"})
    assert call["TEXT"] == tokenizer.count('{"name":"f","args":{"a":1}}')
    shown = {"inlineData": {"mimeType": "application/pdf", "data": b"%PDF-"}}
    result = count(tokenizer, {"functionResponse": {"name": "f", "response": {}, "parts": [shown]}})
    assert result["DOCUMENT"] == 258


def test_media_by_modality(tokenizer: Tokenizer) -> None:
    audio = {"inlineData": {"mimeType": "audio/wav", "data": bytes(32_000)}}
    text = {"inlineData": {"mimeType": "text/plain", "data": b"one two three"}}
    assert count(tokenizer, audio, text, audio) == {"TEXT": 3, "AUDIO": 128}
