"""Dream Machine's answers, by the files of testdata/luma."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.providers.luma import PROVIDER

FOLDER = Path(__file__).parents[3] / "testdata" / "luma"
VIDEO = PROVIDER.media["video"]


def inputs(folder: str) -> list[Path]:
    found = sorted((FOLDER / folder).glob("*.input.json"))
    assert found
    return found


def output_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def name_of(path: Path) -> str:
    return path.name.removesuffix(".input.json")


@pytest.mark.parametrize("path", inputs("vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = answer["body"].encode() if isinstance(answer["body"], str) else msgspec.json.encode(answer["body"])
    parse = VIDEO.parse_submit if path.name.startswith("submit") else VIDEO.parse_poll
    assert parse is not None

    state = parse(answer["status"], body)

    told = {
        name: value for name, value in msgspec.json.decode(msgspec.json.encode(state)).items() if value not in ("", None, False, 0, [], {})
    }
    assert told == output_of(path)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"id": 7}', b'{"id": ""}', b'{"id": "a", "state": 1}'])
def test_a_garbled_answer_is_ambiguous(body: bytes) -> None:
    """A job that may exist is never sent again, and one that runs is not ended by a broken answer."""
    assert VIDEO.parse_poll is not None
    submitted, polled = VIDEO.parse_submit(201, body), VIDEO.parse_poll(200, body)
    assert (submitted.state, submitted.refused, polled.state, polled.refused) == (None, False, None, False)


def test_only_a_good_answer_cancels() -> None:
    assert VIDEO.parse_cancel is not None
    assert VIDEO.encode_cancel is not None
    assert VIDEO.encode_cancel("a/b").path == "/generations/a%2Fb"
    assert [VIDEO.parse_cancel(status, b"").state for status in (204, 404, 500)] == ["canceled", None, None]
