"""The account API put together: its actions over stores of its own database handle, so that a long report holds up no task."""

from typing import NamedTuple

import modelgate
from modelgate.app.candidates_now import CandidatesFromRoutes
from modelgate.app.control_reach import NOWHERE, Reach
from modelgate.app.operator_settings import OPERATOR_SETTINGS, check_setting
from modelgate.app.settings import Settings
from modelgate.app.shown_settings import shown_settings
from modelgate.app.upstream_probe import parse_base_url
from modelgate.app.workshop import file_links, open_database
from modelgate.control.accounts import account_actions
from modelgate.control.actions import Action, Door
from modelgate.control.errors import AlreadyTaken, NoSuchObject
from modelgate.control.events import event_actions, recorded
from modelgate.control.keys import key_actions
from modelgate.control.members import member_actions
from modelgate.control.models import model_actions
from modelgate.control.overview import overview_actions
from modelgate.control.playground import playground_actions
from modelgate.control.prices import price_actions
from modelgate.control.redemption import redemption_actions
from modelgate.control.requests import request_actions
from modelgate.control.session import SessionRoom, session_actions
from modelgate.control.settings import setting_actions
from modelgate.control.tasks import task_actions
from modelgate.control.upstreams import upstream_actions
from modelgate.control.wallet import wallet_actions
from modelgate.control.yescale import yescale_actions
from modelgate.core.clock import Clock, system_clock
from modelgate.core.endpoints import Endpoint
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.identity.attempts import Attempts
from modelgate.identity.passwords import Passwords
from modelgate.identity.sessions import Sessions
from modelgate.metering.periods import current_periods
from modelgate.storage.account_log import DatabaseAccountLog
from modelgate.storage.admin_events import DatabaseEventLog
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database, OutageListener
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.key_listings import DatabaseKeys
from modelgate.storage.members import DatabaseMembers
from modelgate.storage.overview import DatabaseUsage
from modelgate.storage.price_rows import DatabasePrices
from modelgate.storage.redemptions import DatabaseRedemptions
from modelgate.storage.request_log import DatabaseRequestLog
from modelgate.storage.settings import DatabaseSettings
from modelgate.storage.task_listings import DatabaseTaskListings
from modelgate.storage.upstreams import DatabaseUpstreams
from modelgate.storage.wallet import DatabaseWallets


class Means(NamedTuple):
    """What the actions work with."""

    settings: Settings
    database: Database
    secret: bytes
    clock: Clock
    passwords: Passwords
    reach: Reach = NOWHERE

    @property
    def base_url(self) -> str:
        """Where clients find this server."""
        return self.settings.base_url

    def close(self) -> None:
        """Let go of the threads and the database."""
        self.passwords.close()
        self.database.close()


def session_room(means: Means) -> SessionRoom:
    """Return what signs in."""
    members = DatabaseMembers(means.database)
    sessions = Sessions(members, clock=means.clock)
    return SessionRoom(members, sessions, passwords=means.passwords, attempts=Attempts(means.clock))


def control_actions(means: Means, sessions: SessionRoom) -> tuple[Action, ...]:
    """Return every action of the account API: one line for each subject."""
    keys = DatabaseKeys(means.database, periods_at=current_periods)
    wallets = DatabaseWallets(means.database)
    usage = DatabaseUsage(means.database)
    links = file_links(means.settings, means.secret)
    events = DatabaseEventLog(means.database)
    upstreams = DatabaseUpstreams(means.database, Cipher(means.secret))
    reach = means.reach
    actions = (
        *session_actions(sessions, version=modelgate.__version__, base_url=means.base_url),
        *member_actions(DatabaseMembers(means.database), base_url=means.base_url),
        *key_actions(keys),
        *playground_actions(keys),
        *account_actions(wallets),
        *wallet_actions(wallets),
        *request_actions(DatabaseRequestLog(means.database), CandidatesFromRoutes(reach.configuration)),
        *overview_actions(usage, usage),
        *redemption_actions(DatabaseRedemptions(means.database), attempts=Attempts(means.clock)),
        *yescale_actions(keys, DatabaseAccountLog(means.database), urls_of=links.urls_of),
        *task_actions(DatabaseTaskListings(means.database), cancel=reach.cancel, urls_of=reach.urls_of),
        *model_actions(reach.configuration, operations=reach.operations, paths_of=reach.paths_of),
        *price_actions(DatabasePrices(means.database)),
        *upstream_actions(upstreams, providers=reach.providers, probe=reach.probe, clean_url=parse_base_url),
        *setting_actions(
            DatabaseSettings(means.database),
            known=OPERATOR_SETTINGS,
            check=check_setting,
            started_with=shown_settings(means.settings),
        ),
        *event_actions(events),
    )
    return recorded(actions, events)


def control_endpoints() -> tuple[Endpoint, ...]:
    """Return the declarations alone. Nothing is opened for them: a database connects when it is first used."""
    means = Means(Settings(), Database("sqlite://"), secret=bytes(32), clock=system_clock, passwords=Passwords())
    try:
        return tuple(action.endpoint for action in control_actions(means, session_room(means)))
    finally:
        means.close()


class ControlRoom:
    """The account API of a running desk. `handle` answers every path under `control_reach.PREFIXES`."""

    def __init__(
        self,
        settings: Settings,
        secret: bytes,
        *,
        reach: Reach = NOWHERE,
        clock: Clock = system_clock,
        passwords: Passwords | None = None,
        outage: OutageListener | None = None,
    ) -> None:
        self._means = means = Means(
            settings, open_database(settings, outage), secret=secret, clock=clock, passwords=passwords or Passwords(), reach=reach
        )
        sessions = session_room(means)
        origins = frozenset((settings.base_url,))
        self._door = Door(control_actions(means, sessions), recognise=sessions.recognise, origins=origins, clock=clock)

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

    def close(self) -> None:
        """Let go of everything."""
        self._means.close()


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
