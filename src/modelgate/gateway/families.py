"""Which media route a request means, and its errors in that family's words."""

from collections.abc import Iterable, Mapping

from modelgate.core.errors import MethodNotAllowed, ModelgateError, UnknownPath
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.formats.chat.wire_format import WireFormat
from modelgate.formats.media.family import MediaFamily, MediaRoute
from modelgate.gateway.paths import dialect_of, proper_path

MAX_ID_CHARACTERS = 100
NO_HEADERS = HeaderBlock()
_PLACEHOLDER = "{task_id}"


class MediaRoutes:
    """The routes of all families by method and path. Built once."""

    def __init__(self, families: Iterable[MediaFamily]) -> None:
        self._families = tuple(families)
        self._exact: dict[tuple[str, str], tuple[MediaFamily, MediaRoute]] = {}
        self._by_task: dict[tuple[str, str], tuple[MediaFamily, MediaRoute]] = {}
        for family in self._families:
            for route in family.routes:
                before, placeholder, after = route.endpoint.path.partition(_PLACEHOLDER)
                if after:
                    raise ValueError(f"{route.endpoint.path}: a task's id comes last")
                table = self._by_task if placeholder else self._exact
                table[route.endpoint.method, before] = (family, route)

    def family_of(self, path: str) -> MediaFamily | None:
        """Return the family whose prefix a path has, so that errors can be said in its words."""
        return next((family for family in self._families if path.startswith(family.prefix)), None)

    def find(self, method: str, path: str) -> tuple[MediaFamily, MediaRoute, str]:
        """Return the family, the route and the task id in the path (empty on routes without).

        Raises:
            UnknownPath, MethodNotAllowed
        """
        path = path.rstrip("/")
        method = "GET" if method == "HEAD" else method
        found = self._exact.get((method, path))
        if found is not None:
            return (*found, "")
        stem, _, task_id = path.rpartition("/")
        found = self._by_task.get((method, stem + "/"))
        if found is not None and task_id and len(task_id) <= MAX_ID_CHARACTERS:
            return (*found, task_id)
        allowed = {served for served, known in self._exact if known == path}
        if task_id and len(task_id) <= MAX_ID_CHARACTERS:
            allowed |= {served for served, known in self._by_task if known == stem + "/"}
        if not allowed:
            raise UnknownPath
        raise MethodNotAllowed(allowed=tuple(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed)))


def render_family_error(family: MediaFamily, error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error in a family's own envelope, with `retry-after` where waiting helps."""
    status, body = family.encode_error(error, request_id=request_id)
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
