"""Calls with a known key that were refused before anything was held: gathered here, kept by the book or the desk once a second.

Nothing of this is on the way of a call that is answered.
"""

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest
from modelgate.core.records import Refusal

MAX_GATHERED = 200
"""So many are kept one by one until they are taken; further ones are only counted, by key."""
MAX_COUNTED_KEYS = 1_000
MAX_MODEL_CHARACTERS = 200
MAX_CODE_CHARACTERS = 100
MAX_MESSAGE_CHARACTERS = 500


class RefusalLog:
    """What was refused since it was last taken."""

    def __init__(self) -> None:
        self._gathered: list[Refusal] = []
        self._counted: dict[str, Refusal] = {}

    def note(self, request: HttpRequest, error: ModelgateError, *, endpoint: str, model: str = "") -> None:
        """Gather one call, unless nobody knows whose it is, or something else is kept of it."""
        key = request.key
        if key is None:
            return
        refusal = Refusal(
            at_ms=int(request.started * 1000),
            request_id=request.id,
            account=key.account,
            key=key.id,
            book=key.book,
            endpoint=endpoint[:MAX_CODE_CHARACTERS],
            model=_plain(model, MAX_MODEL_CHARACTERS),
            status=error.status,
            code=_plain(error.code or error.type, MAX_CODE_CHARACTERS),
            message=_plain(error.message, MAX_MESSAGE_CHARACTERS),
        )
        if len(self._gathered) < MAX_GATHERED:
            self._gathered.append(refusal)
            return
        before = self._counted.get(key.id)
        if before is not None or len(self._counted) < MAX_COUNTED_KEYS:
            times = before.times + 1 if before is not None else 1
            self._counted[key.id] = msgspec.structs.replace(refusal, times=times, is_counted=True)

    def take(self) -> tuple[Refusal, ...]:
        """Return what was gathered, and forget it."""
        if not self._gathered:
            return ()
        taken = (*self._gathered, *self._counted.values())
        self._gathered, self._counted = [], {}
        return taken


def _plain(text: str, characters: int) -> str:
    """Return text that a column takes."""
    return text[:characters].replace("\0", "").encode("utf-8", "replace").decode()
