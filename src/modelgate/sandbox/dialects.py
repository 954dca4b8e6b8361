"""Paths that several vendors share: which of them is meant, told by what the request carries."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

Spoken = Callable[[Request], bool]


class DialectRoute(Route):
    """A route that matches only a request in its own dialect; put it before the route of the dialect that needs no sign."""

    def __init__(self, path: str, endpoint: Callable[[Request], object], *, methods: list[str], spoken: Spoken) -> None:
        super().__init__(path, endpoint, methods=methods)
        self._spoken = spoken

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.NONE or not self._spoken(Request(scope)):
            return Match.NONE, {}
        return match, child
