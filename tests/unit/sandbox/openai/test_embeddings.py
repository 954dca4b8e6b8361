import base64
import math
import struct
from typing import Any

import pytest

from modelgate.sandbox.openai.embeddings import MAX_INPUTS, make_vector
from modelgate.sandbox.tokens import Tokenizer

PATH = "/v1/embeddings"


def _likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(make_vector(one, 1536), make_vector(other, 1536), strict=True))


def test_similar_texts_have_similar_vectors() -> None:
    same = _likeness("The cat sat on the warm mat", "the cat sat on the warm mat")
    near = _likeness("The cat sat on the warm mat", "A cat sits on a mat")
    far = _likeness("The cat sat on the warm mat", "Quarterly revenue grew by nine percent")
    assert same == pytest.approx(1, abs=1e-5)
    assert 0.9 > near > 0.35
    assert abs(far) < 0.15


@pytest.mark.parametrize("text", ["x", "", "日本語", "!?"])
@pytest.mark.parametrize("size", [1, 8, 1536, 3072])
def test_vectors_have_length_one(text: str, size: int) -> None:
    vector = make_vector(text, size)
    assert len(vector) == size
    if size > 1:  # a single coordinate may have been pulled both ways
        assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1, abs=1e-5)


def test_floats_and_base64_are_the_same(openai_vendor: Any, tokenizer: Tokenizer) -> None:
    body = {"model": "text-embedding-3-small", "input": "good morning"}
    plain = openai_vendor.post(PATH, **body).json()
    packed = openai_vendor.post(PATH, **body, encoding_format="base64").json()
    floats = plain["data"][0]["embedding"]
    assert list(struct.unpack("<1536f", base64.b64decode(packed["data"][0]["embedding"]))) == floats
    tokens = openai_vendor.post(PATH, **{**body, "input": tokenizer.encode("good morning")}).json()
    assert tokens["data"][0]["embedding"] == floats
    assert plain["usage"] == packed["usage"] == tokens["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert (plain["object"], plain["data"][0]["object"], plain["model"]) == ("list", "embedding", "text-embedding-3-small")
    assert openai_vendor.counted()[0] == ("req_9", "text-embedding-3-small", 2, 0, True, 200)


def test_several_inputs_of_either_kind(openai_vendor: Any) -> None:
    texts = openai_vendor.post(PATH, model="text-embedding-3-large", input=["one", "two", "three"], dimensions=16).json()
    assert [(each["index"], len(each["embedding"])) for each in texts["data"]] == [(0, 16), (1, 16), (2, 16)]
    tokens = openai_vendor.post(PATH, model="text-embedding-3-large", input=[[1, 2], [3]]).json()
    assert [len(each["embedding"]) for each in tokens["data"]] == [3072, 3072]
    assert tokens["usage"]["total_tokens"] == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [[1], "a"]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": [-1]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a"] * (MAX_INPUTS + 1)}, "input"),
        ({"input": "word " * 9_000}, "input"),
        ({"input": [[1] * 8_000] * 38}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1_537}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"dimensions": 8, "model": "text-embedding-ada-002"}, "dimensions"),
        ({"user": 5}, "user"),
        ({"model": None}, "model"),
    ],
)
def test_what_is_refused(openai_vendor: Any, fields: dict[str, Any], param: str) -> None:
    status, named, _ = openai_vendor.error(PATH, **{"model": "text-embedding-3-small", "input": "a", **fields})
    assert (status, named) == (400, param)
    assert openai_vendor.counted()[0][-1] == 400


def test_magic(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, model="sandbox-error-429", input="a")[0] == 429
    assert openai_vendor.error(PATH, model="sandbox-nothing", input="a") == (404, None, "model_not_found")
    pinned = openai_vendor.post(PATH, model="e", input=["magic: tokens 77 0", "b"]).json()
    assert pinned["usage"] == {"prompt_tokens": 77, "total_tokens": 77}
    assert "usage" not in openai_vendor.post(PATH, model="sandbox-no-usage", input="a").json()
    assert openai_vendor.post(PATH, model="sandbox-bad-usage", input="a").json()["usage"]["total_tokens"] == -2
