"""fal's queue: its answers, by the files of testdata/fal/vendor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import VendorState
from modelgate.formats import fal_queue
from modelgate.gateway.callback_proofs import parse_keys
from modelgate.sandbox.fal.webhooks import USER_ID, FalWebhooks

INPUTS = sorted((Path(__file__).parents[2] / "testdata" / "fal" / "vendor").glob("*.input.json"))
PARSERS: dict[str, Callable[[int, bytes], VendorState]] = {
    "submit": fal_queue.parse_submit,
    "poll": fal_queue.parse_poll,
    "result": fal_queue.parse_result,
    "cancel": fal_queue.parse_cancel,
}


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 40


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = answer["body"].encode() if isinstance(answer["body"], str) else msgspec.json.encode(answer["body"])

    state = PARSERS[path.name.split("-")[0]](answer["status"], body)

    told = {name: value for name, value in msgspec.to_builtins(state).items() if value not in ("", None, False, 0, [], (), {})}
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())
    assert msgspec.json.decode(msgspec.json.encode(told)) == expected


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@settings(max_examples=100)
@given(status=st.sampled_from([200, 202, 302, 400, 401, 404, 422, 429, 500, 503]), body=st.binary(max_size=200))
def test_no_answer_is_too_odd(parse: Callable[[int, bytes], VendorState], status: int, body: bytes) -> None:
    parse(status, body)
    parse(status, b'{"detail":' + body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"[" * 100_000, b'{"video": 3}', b'{"status": 3}', b'{"detail": [3]}', b'{"request_id": []}']
)
@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_answers_of_a_wrong_form_end_nothing(parse: Callable[[int, bytes], VendorState], body: bytes) -> None:
    assert parse(200, body).state in (None, "failed")
    if parse is not fal_queue.parse_result:
        assert parse(200, body).state is None


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ("fal-ai/pika/requests/abc-1", "/fal-ai/pika/requests/abc-1"),
        ("fal-ai/pika/v2.2/text-to-video/requests/abc-1", "/fal-ai/pika/v2.2/text-to-video/requests/abc-1"),
        ("abc-1", "/fal-ai/pika/requests/abc-1"),
        ("../x?y", "/fal-ai/pika/requests/..%2Fx%3Fy"),
        ("fal-ai/../requests/x", "/fal-ai/pika/requests/fal-ai%2F..%2Frequests%2Fx"),
    ],
)
def test_a_job_is_asked_for_at_its_address(job: str, path: str) -> None:
    poll, cancel = fal_queue.encode_poll(job), fal_queue.encode_cancel(job)
    assert (poll.method, poll.path) == ("GET", path + "/status")
    assert (cancel.method, cancel.path) == ("PUT", path + "/cancel")


def test_a_callback_goes_along() -> None:
    fields: dict[str, Any] = {"prompt": "a", "seed": 0, "negative_prompt": "", "duration": None}
    call = fal_queue.encode_queued("fal-ai/pika/x", fields, callback_url="https://gateway.example/callbacks/1?s=2")
    assert call.path == "/fal-ai/pika/x?fal_webhook=https%3A%2F%2Fgateway.example%2Fcallbacks%2F1%3Fs%3D2"
    assert msgspec.json.decode(call.body) == {"prompt": "a", "seed": 0}


def test_a_webhook_is_signed_over_its_headers_and_the_hash_of_its_body() -> None:
    """As the make-believe vendor signs, which was written apart from this."""
    vendor, body = FalWebhooks(clock=lambda: 5_000.0), b'{"status": "OK"}'

    signed = fal_queue.read_signed(HeaderBlock.of(*vendor.sign("r-1", body).items()), body)

    assert signed is not None
    (key,) = parse_keys(msgspec.json.encode(vendor.key_set()))
    Ed25519PublicKey.from_public_bytes(key).verify(signed.signature, signed.message)
    assert (signed.made_at, signed.message.split(b"\n")[:3]) == (5_000.0, [b"r-1", USER_ID.encode(), b"5000"])


@given(st.lists(st.tuples(st.sampled_from(("request-id", "user-id", "timestamp", "signature")), st.text("0123456789abz -", max_size=130))))
def test_whatever_the_headers_are_they_are_read_or_not(pairs: list[tuple[str, str]]) -> None:
    signed = fal_queue.read_signed(HeaderBlock.of(*((f"x-fal-webhook-{name}", value) for name, value in pairs)), b"{}")
    assert signed is None or len(signed.signature) == 64
