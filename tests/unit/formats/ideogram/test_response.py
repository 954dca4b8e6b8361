"""Answers and errors in Ideogram's shape."""

from typing import Any

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.ideogram.response import encode_error, encode_pictures
from modelgate.formats.media.requests import ImageRequest, encode_request

URL = "https://gateway.example/files/a.png"


def shown(*outputs: TaskOutput, urls: list[str], details: bytes = b"{}", **fields: Any) -> Any:
    task = Task(
        id="task_1",
        account="acct_1",
        key="key_1",
        book="live",
        family="ideogram",
        operation="image",
        model="m",
        state="succeeded",
        request=encode_request(ImageRequest(model="m", prompt="a fox", **fields)),
        facts=b"{}",
        amount_nanos=0,
        request_id="req_1",
        created_at=1_790_000_000.0,
        updated_at=1_790_000_010.0,
        finished_at=1_790_000_010.5,
        outputs=outputs,
        details=details,
    )
    return msgspec.json.decode(encode_pictures(task, urls=urls, request_id="req_1"))


def test_pictures_with_all_that_the_vendor_says() -> None:
    told = {"prompt": "A red fox", "resolution": "1280x800", "seed": 5, "style_type": "DESIGN", "is_image_safe": True}
    output = TaskOutput(kind="image", url="https://ideogram.ai/x.png", details={**told, "upscaled_resolution": "2560x1600"})
    withheld = TaskOutput(kind="image", details={**told, "is_image_safe": False})
    assert shown(output, withheld, urls=[URL, ""], details=b'{"created":"2026-11-27T01:23:45.000000+00:00"}') == {
        "created": "2026-11-27T01:23:45.000000+00:00",
        "data": [{"url": URL, **told, "upscaled_resolution": "2560x1600"}, {"url": None, **told, "is_image_safe": False}],
    }


def test_pictures_of_a_vendor_that_says_nothing_of_them() -> None:
    answer = shown(TaskOutput(kind="image", url="https://other.example/x.png"), urls=[URL], size="512x512")
    assert answer["created"] == "2026-09-21T14:13:30.500000+00:00"
    assert answer["data"] == [{"url": URL, "prompt": "a fox", "resolution": "512x512", "is_image_safe": True, "seed": 0}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("x", param="prompt", code="invalid_value"), 400),
        (errors.UpstreamRefused("x", status=400, code="content_policy_violation"), 422),
        (errors.UpstreamRefused("x", status=400, code="invalid_request"), 400),
        (errors.BalanceExhausted(), 403),
        (errors.LimitExhausted(), 403),
        (errors.MissingKey(), 401),
        (errors.NoUpstream(), 503),
        (errors.ModelgateError(), 500),
    ],
)
def test_errors(error: errors.ModelgateError, status: int) -> None:
    got, body = encode_error(error, request_id="req_1")
    said = msgspec.json.decode(body)["error"]
    assert got == status
    assert said == {"message": f"{error.message} (request id: req_1)", "type": error.type, "code": error.code, "param": error.param}
