"""Which media route a request means, and its errors in that family's words."""

from collections.abc import Iterable, Mapping

import msgspec

from modelgate.core.errors import MethodNotAllowed, ModelgateError, UnknownPath
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.formats.chat.wire_format import WireFormat
from modelgate.formats.media.family import MediaFamily, MediaRoute
from modelgate.gateway.paths import dialect_of, proper_path

MAX_ID_CHARACTERS = 200
NO_HEADERS = HeaderBlock()


class Found(msgspec.Struct, frozen=True):
    """The route a request means; `values` fill its path's placeholders, `alias` is the prefix it came by, if not the family's own."""

    family: MediaFamily
    route: MediaRoute
    values: dict[str, str]
    alias: str

    @property
    def field_names(self) -> dict[str, str]:
        """Return how neutral fields are called here, where otherwise."""
        return {**self.family.field_names, **self.route.field_names}


class MediaRoutes:
    """The routes of all families by method and path. Built once."""

    def __init__(self, families: Iterable[MediaFamily]) -> None:
        self._families = tuple(families)
        # Longest first, so that a prefix within another's is found.
        self._prefixes = sorted(((prefix, family) for family in self._families for prefix in family.prefixes), key=lambda one: -len(one[0]))
        self._by_length: dict[int, list[tuple[tuple[str, ...], MediaFamily, MediaRoute]]] = {}
        for family in self._families:
            for route in family.routes:
                template = tuple(route.endpoint.path.split("/"))
                self._by_length.setdefault(len(template), []).append((template, family, route))
        for routes in self._by_length.values():
            routes.sort(key=lambda one: sum(part.startswith("{") for part in one[0]))  # what is said literally goes first

    def family_of(self, path: str) -> MediaFamily | None:
        """Return the family whose prefix a path has, so that errors can be said in its words."""
        return self._placed(path)[0]

    def find(self, method: str, path: str) -> Found:
        """Return the route of a request.

        Raises:
            UnknownPath, MethodNotAllowed
        """
        _, alias, path = self._placed(path.rstrip("/"))
        method = "GET" if method == "HEAD" else method
        parts = tuple(path.split("/"))
        allowed: set[str] = set()
        for template, family, route in self._by_length.get(len(parts), ()):
            values = _match(template, parts)
            if values is None:
                continue
            if route.endpoint.method == method:
                return Found(family, route, values, alias)
            allowed.add(route.endpoint.method)
        if not allowed:
            raise UnknownPath
        raise MethodNotAllowed(allowed=tuple(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed)))

    def _placed(self, path: str) -> tuple[MediaFamily | None, str, str]:
        """Return the family of a path, the alias by which it came, and the path as the family itself says it."""
        for prefix, family in self._prefixes:
            if path.startswith(prefix) or path == prefix.rstrip("/"):
                stands_for = family.aliases.get(prefix, "")
                return family, prefix if stands_for else "", stands_for + path[len(prefix) :] if stands_for else path
        return None, "", path


def _match(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, part in zip(template, parts, strict=True):
        if expected.startswith("{"):
            if not 0 < len(part) <= MAX_ID_CHARACTERS:
                return None
            values[expected[1:-1]] = part
        elif expected != part:
            return None
    return values


def render_family_error(family: MediaFamily, error: ModelgateError, request_id: str, *, route: MediaRoute | None = None) -> HttpResponse:
    """Return an error in the envelope of a family, or of a route that has its own, with `retry-after` where waiting helps."""
    encode = route.encode_error if route is not None and route.encode_error is not None else family.encode_error
    status, body = encode(error, request_id=request_id)
    headers = [("content-type", "application/json")]
    if error.retry_after is not None:
        headers.append(("retry-after", error.retry_after))
    return HttpResponse(status=status, headers=HeaderBlock(HeaderBlock.of(*headers).raw + error.header_lines), body=body)


def render_error(
    routes: MediaRoutes, wire_formats: Mapping[str, WireFormat], error: ModelgateError, *, path: str, request_id: str
) -> HttpResponse:
    """Return an error as the clients of a path expect it: in its media family's words or its conversation dialect's, else OpenAI's."""
    family = routes.family_of(path)
    if family is not None:
        return render_family_error(family, error, request_id)
    return wire_formats[dialect_of(proper_path(path), NO_HEADERS, "")].encode_error(error, request_id)
