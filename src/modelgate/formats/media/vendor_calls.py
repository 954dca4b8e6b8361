"""What calls to vendors have in common: bodies of JSON, and files told in the way that a vendor reads them.

The functions for files raise ValueError for one that is still a blob's key, or not there in the way that is wanted.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import MediaInput, MediaRequest, inputs_in

JSON_HEADERS: Final = (("content-type", "application/json"),)
EMPTY: Final[tuple[Any, ...]] = (None, "", [])
"""What says nothing, at vendors to whom an empty text says nothing either."""

encode_json = msgspec.json.Encoder().encode


def said(fields: Mapping[str, Any], *, unsaid: tuple[Any, ...] = (None,)) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in unsaid}


def post_json(
    path: str, fields: Mapping[str, Any], *, headers: tuple[tuple[str, str], ...] = (), unsaid: tuple[Any, ...] = (None,)
) -> UpstreamCall:
    """Return the call that posts the fields that say something."""
    return UpstreamCall(method="POST", path=path, headers=(*headers, *JSON_HEADERS), body=encode_json(said(fields, unsaid=unsaid)))


def uri_of(item: MediaInput) -> str:
    """Return a file's address, or its bytes as a data URI."""
    return item.url or data_uri_of(item)


def data_uri_of(item: MediaInput) -> str:
    """Return a file's bytes as a data URI."""
    return f"data:{item.content_type or 'image/png'};base64,{base64_of(item)}"


def base64_of(item: MediaInput) -> str:
    """Return a file's bytes as bare base64."""
    if not item.data:
        raise ValueError("an input is neither an address nor bytes")
    return base64.b64encode(item.data).decode()


def address_of(item: MediaInput) -> str:
    """Return a file's address."""
    if not item.url:
        raise ValueError("an input is not an address")
    return item.url


def parent_of(request: MediaRequest) -> str:
    """Return the vendor's id of the job to build on. Raises ValueError: it is not known."""
    if request.parent is None or not request.parent.vendor_task:
        raise ValueError("the job to build on is not known")
    return request.parent.vendor_task


def first_in(request: MediaRequest, role: str) -> MediaInput | None:
    """Return the first file of a role, None without one."""
    return next(iter(inputs_in(request, role)), None)
