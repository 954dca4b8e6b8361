"""Inputs beside what is to come of them, in a vendor's folder of testdata."""

from pathlib import Path
from typing import Any

import msgspec

from modelgate.core.providers import VendorState

TESTDATA = Path(__file__).parents[2] / "testdata"


def inputs(vendor: str, folder: str) -> list[Path]:
    """Return the inputs of a folder; there is one at least."""
    found = sorted((TESTDATA / vendor / folder).glob("*.input.json"))
    assert found
    return found


def output_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def name_of(path: Path) -> str:
    return path.name.removesuffix(".input.json")


def body_of(answer: Any) -> bytes:
    """Return a vendor's body: as it is written where it is a text, else as JSON."""
    body = answer["body"]
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def told(state: VendorState) -> dict[str, Any]:
    """Return what a state says, without what it leaves unsaid."""
    said = msgspec.json.decode(msgspec.json.encode(state))
    return {name: value for name, value in said.items() if value not in ("", None, False, 0, [], {})}
