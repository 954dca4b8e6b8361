"""The caller's input pictures: fetched, checked, and put into the blob store, so that a task can be moved after any restart."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from modelgate.core.blobs import BlobNotFound, BlobStoreFailed, blob_key
from modelgate.core.errors import InvalidRequest, ModelgateError, Overloaded
from modelgate.formats.media.clips import seconds_of_mp4
from modelgate.formats.media.family import InputRules
from modelgate.formats.media.requests import MediaInput, MediaRequest, with_inputs
from modelgate.gateway.pictures import Picture, check_picture
from modelgate.tasks.outputs import Fetcher, sniff
from modelgate.transport.errors import BodyTooLong, TransportError
from modelgate.transport.guard import UrlRefused

FETCH_TIMEOUT_S = 20.0
RATIO_TOLERANCE = 0.02
"""Sides are whole pixels: a smaller picture of the same shape may be a little off."""
LENGTH_TOLERANCE_S = 0.1
MAX_CONCURRENT_INPUTS = 8
"""Pictures in memory at once for all submits of this process; others wait."""


class InputBlobs(Protocol):
    """The part of a blob store that inputs need."""

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes: ...

    async def delete(self, key: str) -> None: ...


class Inputs:
    """Turns the inputs of a decoded request into stored ones."""

    def __init__(self, *, blobs: InputBlobs, fetcher: Fetcher, own_file: Callable[[str], str | None]) -> None:
        """`own_file` returns the key behind an address that we signed ourselves, None for any other."""
        self._blobs = blobs
        self._fetcher = fetcher
        self._own_file = own_file
        self._room = asyncio.Semaphore(MAX_CONCURRENT_INPUTS)

    async def store(self, request: MediaRequest, *, rules: Mapping[str, InputRules], task_id: str) -> MediaRequest:
        """Return the request with every input as a blob of ours, checked by the family's rules for its role.

        Raises:
            InvalidRequest: an address that may not be fetched or gives no picture, or a picture that breaks a rule.
            Overloaded: the blob store is in trouble.
        """
        if not request.inputs:
            return request
        stored: list[MediaInput] = []
        pictures: dict[str, list[Picture]] = {}
        async with self._room:
            try:
                for index, item in enumerate(request.inputs):
                    if item.role not in rules:
                        raise InvalidRequest(f"A file as {item.role} is not taken here.", param=item.role, code="unsupported_parameter")
                    kept, picture = await self._stored(item, rules=rules[item.role], stem=f"{task_id}-in{index}")
                    stored.append(kept)
                    if picture is not None:
                        pictures.setdefault(item.role, []).append(picture)
                _check_sizes(pictures, rules)
            except ModelgateError:
                await self.discard(stored)
                raise
        return with_inputs(request, stored)

    async def discard(self, inputs: Iterable[MediaInput]) -> None:
        """Remove the stored inputs of a request that became no task; trouble with that is not the caller's."""
        for item in inputs:
            with contextlib.suppress(BlobStoreFailed):
                await self._blobs.delete(item.blob)

    async def _stored(self, item: MediaInput, *, rules: InputRules, stem: str) -> tuple[MediaInput, Picture | None]:
        """Return an input as it is stored, and what is known of it if it is a picture."""
        if item.url and rules.url_field:
            rules = msgspec.structs.replace(rules, field=rules.url_field)
        data = item.data or (await self._kept(item.blob, rules) if item.blob else await self._bytes_of(item.url, rules))
        is_picture = all(name.startswith("image/") for name in rules.content_types)
        picture = check_picture(data, rules) if is_picture else None
        content_type = picture.content_type if picture is not None else _checked(data, rules)
        key = blob_key(stem, content_type)
        try:
            await self._blobs.put(key, data)
        except BlobStoreFailed:
            raise Overloaded(retry_after_s=5.0) from None
        return MediaInput(blob=key, content_type=content_type, role=item.role), picture

    async def _bytes_of(self, url: str, rules: InputRules) -> bytes:
        own = self._own_file(url)
        if own is None:
            return await self._fetched(url, rules)
        return await self._kept(own, rules)

    async def _kept(self, key: str, rules: InputRules) -> bytes:
        """Return a file of our own: an output, or an input of an earlier task."""
        try:
            return await self._blobs.get(key)
        except BlobNotFound:
            raise InvalidRequest(f"The file in {rules.field} is no longer kept here.", param=rules.field) from None
        except BlobStoreFailed:
            raise Overloaded(retry_after_s=5.0) from None

    async def _fetched(self, url: str, rules: InputRules) -> bytes:
        try:
            fetched = await self._fetcher.fetch(url, max_bytes=rules.max_bytes, timeout_s=FETCH_TIMEOUT_S, content_types=None, exempt={})
        except UrlRefused as refused:
            raise InvalidRequest(
                f"The address in {rules.field} is not fetched: {refused}.", param=rules.field, code="invalid_url"
            ) from None
        except BodyTooLong:
            message = f"The file in {rules.field} cannot be used: it must have at most {rules.max_bytes} bytes."
            raise InvalidRequest(message, param=rules.field, code="invalid_image") from None
        except TransportError:
            raise InvalidRequest(f"The file in {rules.field} could not be fetched.", param=rules.field, code="image_not_fetched") from None
        return fetched.body


def _check_sizes(pictures: Mapping[str, list[Picture]], rules: Mapping[str, InputRules]) -> None:
    """Compare pictures with those whose size they must have, in their order, and with the one whose shape. Raises InvalidRequest."""
    for role, found in pictures.items():
        of = rules[role].same_size_as
        for picture, other in zip(found, pictures.get(of, ()), strict=False):
            if (picture.width, picture.height) != (other.width, other.height):
                rule = f"it must have the size of {rules[of].field}, {other.width}x{other.height}; it is {picture.width}x{picture.height}"
                raise _unfit(rules[role].field, rule)
        like = rules[role].same_ratio_as
        for picture in found if pictures.get(like) else ():
            whole, part = pictures[like][0], picture.width / picture.height
            if abs(part * whole.height / whole.width - 1) > RATIO_TOLERANCE:
                rule = (
                    f"it must have the shape of {rules[like].field}, {whole.width}x{whole.height}; it is {picture.width}x{picture.height}"
                )
                raise _unfit(rules[role].field, rule)


def _unfit(field: str, rule: str) -> InvalidRequest:
    return InvalidRequest(f"The picture in {field} cannot be used: {rule}.", param=field, code="invalid_image")


def _checked(data: bytes, rules: InputRules) -> str:
    """Return the content type of a file that is no picture. Raises InvalidRequest when it breaks a rule."""
    content_type = sniff(data)
    if content_type is None or content_type not in rules.content_types:
        kinds = " or ".join(rules.content_types)
        message = f"The file in {rules.field} cannot be used: it must be {kinds}."
        raise InvalidRequest(message, param=rules.field, code="invalid_file")
    if len(data) > rules.max_bytes:
        message = f"The file in {rules.field} cannot be used: it must have at most {rules.max_bytes} bytes; it has {len(data)}."
        raise InvalidRequest(message, param=rules.field, code="invalid_file")
    length_s = seconds_of_mp4(data) if rules.longest_s else None
    if length_s is not None and not rules.shortest_s - LENGTH_TOLERANCE_S <= length_s <= rules.longest_s + LENGTH_TOLERANCE_S:
        rule = f"it must last {rules.shortest_s} to {rules.longest_s} seconds; it lasts {length_s:.1f}"
        raise InvalidRequest(f"The file in {rules.field} cannot be used: {rule}.", param=rules.field, code="invalid_file")
    return content_type
