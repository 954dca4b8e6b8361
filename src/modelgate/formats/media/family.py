"""What a client dialect for media work brings along, so that one pipeline serves every family."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

import modelgate.formats
from modelgate.core.endpoints import Endpoint
from modelgate.formats.media.requests import MediaRequest

Decoded = tuple[MediaRequest, bytes]
"""The neutral request, and the dialect's own facts as JSON bytes (`Task.facts`)."""


class InputRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a family takes as an input picture. `max_ratio` is the longer side by the shorter; `field` is its name for messages."""

    field: str
    content_types: tuple[str, ...]
    max_bytes: int
    min_side_pixels: int
    max_ratio: float


class MediaRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of a family and what it does.

    `submit` starts a task of `operation` from what `decode(body, content_type)` makes; `fetch` shows a task.
    """

    endpoint: Endpoint
    action: Literal["submit", "fetch"]
    operation: str = ""
    decode: Callable[[bytes | bytearray, str], Decoded] | None = None
    inputs: InputRules | None = None


class MediaFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One client dialect: its routes and how it words tasks and errors. All functions are pure.

    encode_submitted(task, request_id=…) -> JSON; encode_fetched(task, urls=…, request_id=…) -> JSON, `urls` one for each
    output; encode_error(error, request_id=…) -> (HTTP status, JSON). `prefix` is the path all its routes share; `field_names`: how fields
    of the neutral request are called here, where otherwise.
    """

    name: str
    prefix: str
    routes: tuple[MediaRoute, ...]
    encode_submitted: Callable[..., bytes]
    encode_fetched: Callable[..., bytes]
    encode_error: Callable[..., tuple[int, bytes]]
    field_names: Mapping[str, str] = {}


def load_media_families() -> tuple[MediaFamily, ...]:
    """Return every media family: each package of `formats` that has a module `family` holding `FAMILY`.

    Raises:
        TypeError: a module `family` without one.
    """
    families: list[MediaFamily] = []
    for package in pkgutil.iter_modules(modelgate.formats.__path__, "modelgate.formats."):
        if not package.ispkg or package.name == "modelgate.formats.media":
            continue
        found = importlib.util.find_spec(f"{package.name}.family")
        if found is None:
            continue
        family = getattr(importlib.import_module(found.name), "FAMILY", None)
        if not isinstance(family, MediaFamily):
            raise TypeError(f"{found.name} must hold FAMILY, a MediaFamily")
        families.append(family)
    return tuple(families)
