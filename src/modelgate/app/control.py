"""The account API put together: its actions over stores of its own database handle, so that a long report holds up no task."""

from typing import NamedTuple

import modelgate
from modelgate.app.settings import Settings
from modelgate.app.workshop import open_database
from modelgate.control.actions import Action, Door, SignedIn
from modelgate.control.errors import AlreadyTaken, NoSuchObject
from modelgate.control.session import session_actions
from modelgate.core.clock import Clock, system_clock
from modelgate.core.endpoints import Endpoint
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow

PREFIXES = ("/api/", "/yescale/")
MAX_BODY_BYTES = 1024 * 1024


class Means(NamedTuple):
    """What the actions work with."""

    settings: Settings
    database: Database
    secret: bytes
    clock: Clock


def control_actions(means: Means) -> tuple[Action, ...]:
    """Return every action of the account API: one line for each subject."""
    return (*session_actions(version=modelgate.__version__, base_url=means.settings.base_url),)


def control_endpoints() -> tuple[Endpoint, ...]:
    """Return the declarations alone. Nothing is opened for them: a database connects when it is first used."""
    database = Database("sqlite://")
    try:
        means = Means(settings=Settings(), database=database, secret=bytes(32), clock=system_clock)
        return tuple(action.endpoint for action in control_actions(means))
    finally:
        database.close()


class ControlRoom:
    """The account API of a running desk. `handle` answers every path under `PREFIXES`."""

    def __init__(self, settings: Settings, secret: bytes, *, clock: Clock = system_clock) -> None:
        self._database = open_database(settings)
        means = Means(settings=settings, database=self._database, secret=secret, clock=clock)
        self._door = Door(control_actions(means), recognise=self._recognise, origins=frozenset((settings.base_url,)), clock=clock)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one call.

        Raises what `Door.handle` does, and NoSuchObject, AlreadyTaken for what stores say.
        """
        try:
            return await self._door.handle(request)
        except NoSuchRow as error:
            raise NoSuchObject(_sentence(error)) from error
        except NameTaken as error:
            raise AlreadyTaken(_sentence(error)) from error

    async def _recognise(self, _: HttpRequest) -> SignedIn | None:
        return None

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
