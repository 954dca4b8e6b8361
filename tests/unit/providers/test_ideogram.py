"""The Ideogram provider: calls and answers, by the files of testdata/ideogram."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.providers.ideogram import PROVIDER, sign

GENERATE = PROVIDER.media["image"]


@pytest.mark.parametrize("path", inputs("ideogram", "encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    given = msgspec.json.decode(path.read_bytes())
    request = msgspec.convert(given["request"], ImageRequest)
    operation = PROVIDER.media[given["operation"]]
    assert operation.check is not None
    operation.check(request, "ideogram-v3")

    call = operation.encode_submit(request, "task_ours", "ideogram-v3")

    body = call.body.decode().split("\r\n")
    assert {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": body} == output_of(path)


@pytest.mark.parametrize("path", inputs("ideogram", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)

    state = GENERATE.parse_submit(answer["status"], body)

    assert told(state) == output_of(path)


def test_an_input_that_is_not_there_as_bytes_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="not there as bytes"):
        GENERATE.encode_submit(ImageRequest(model="m", inputs=(MediaInput(url="https://a.example"),)), "task_1", "m")


def test_its_check_speaks_neutral_words_and_knows_its_operation() -> None:
    check = PROVIDER.media["image.edit"].check
    assert check is not None
    with pytest.raises(InvalidRequest) as refused:
        check(ImageRequest(model="m", prompt="x", inputs=(MediaInput(data=b"x"),)), "m")
    assert refused.value.param == "mask"


def test_the_key_goes_in_a_header_of_its_own() -> None:
    assert sign("secret", 0.0) == (("api-key", "secret"),)
