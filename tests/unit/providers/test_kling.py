"""The Kling provider: signing, calls and answers, by the files of testdata/kling."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.providers.kling import PROVIDER, sign

FOLDER = Path(__file__).parents[2] / "testdata" / "kling"
IMAGE = PROVIDER.media["image"]


def inputs(folder: str) -> list[Path]:
    found = sorted((FOLDER / folder).glob("*.input.json"))
    assert found
    return found


def output_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def name_of(path: Path) -> str:
    return path.name.removesuffix(".input.json")


@pytest.mark.parametrize("path", inputs("encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    request = msgspec.json.decode(path.read_bytes(), type=ImageRequest)

    call = IMAGE.encode_submit(request, "task_ours", "vendor-" + request.model)

    assert {
        "method": call.method,
        "path": call.path,
        "headers": dict(call.headers),
        "body": msgspec.json.decode(call.body),
    } == output_of(path)


@pytest.mark.parametrize("path", inputs("vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = answer["body"].encode() if isinstance(answer["body"], str) else msgspec.json.encode(answer["body"])
    parse = IMAGE.parse_submit if path.name.startswith("submit") else IMAGE.parse_poll

    state = parse(answer["status"], body)

    told = {
        name: value for name, value in msgspec.json.decode(msgspec.json.encode(state)).items() if value not in ("", None, False, 0, [], {})
    }
    assert told == output_of(path)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"code": null}', b'{"code": 0, "data": []}', b'{"code": 0, "data": "x"}']
)
def test_a_garbled_answer_to_a_submit_is_ambiguous(body: bytes) -> None:
    state = IMAGE.parse_submit(200, body)
    assert (state.state, state.refused) == (None, False)
    assert IMAGE.parse_poll(200, body).state is None


def test_poll_and_look_up_ask_by_either_id() -> None:
    assert IMAGE.encode_poll("v/1") == UpstreamCall(method="GET", path="/v1/images/generations/v%2F1")
    assert IMAGE.encode_lookup is not None
    assert IMAGE.encode_lookup("task_ours") == UpstreamCall(method="GET", path="/v1/images/generations/task_ours")


def test_an_input_that_is_still_a_blob_is_a_fault_of_ours() -> None:
    request = ImageRequest(model="m", prompt="p", inputs=(MediaInput(blob="blob_1234.png"),))
    with pytest.raises(ValueError, match="neither an address nor bytes"):
        IMAGE.encode_submit(request, "task_ours", "m")


def test_a_pair_of_keys_makes_a_signed_token() -> None:
    ((name, value),) = sign("access|secret|with|bars-and-32-bytes-or-more", 1_763_884_800.9)

    token = jwt.decode(value.removeprefix("Bearer "), OctKey.import_key("secret|with|bars-and-32-bytes-or-more"))
    assert name == "authorization"
    assert token.header == {"alg": "HS256", "typ": "JWT"}
    assert token.claims == {"iss": "access", "exp": 1_763_886_600, "nbf": 1_763_884_795}


@pytest.mark.parametrize("secret", ["plain-api-key", "sk-another-gateway"])
def test_a_plain_key_is_sent_as_it_is(secret: str) -> None:
    assert sign(secret, 0.0) == (("authorization", f"Bearer {secret}"),)
