"""Rows for looking at: written, and removed by the operator's settings."""

import pytest
from sqlalchemy import func, select
from tests.integration.storage.test_refusals import NOW_MS, refused

from modelgate.app.row_keeper import RowKeeper
from modelgate.core.errors import BalanceExhausted
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey
from modelgate.gateway.refusals import RefusalLog
from modelgate.storage.database import Database
from modelgate.storage.refusals import keep_refusals
from modelgate.storage.schema.usage import refusal

pytestmark = pytest.mark.anyio
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest="d", hint="")


def rows(database: Database) -> int:
    return database.read(lambda connection: connection.execute(select(func.count()).select_from(refusal)).scalar_one())


async def test_what_the_desk_refused_is_written(database: Database) -> None:
    log = RefusalLog()
    keeper = RowKeeper(database, refusals=log, settings=dict, clock=lambda: 1.0)
    log.note(
        HttpRequest(method="POST", path="/", headers=HeaderBlock(), id="req_1", started=2.0, key=KEY), BalanceExhausted(), endpoint="kling"
    )
    await keeper.keep()
    await keeper.keep()
    assert rows(database) == 1


@pytest.mark.parametrize(("settings", "left"), [({}, 1), ({"keep_refusals_days": "0"}, 2), ({"keep_refusals_days": "60"}, 2)])
async def test_what_is_old_goes_as_the_operator_says(database: Database, settings: dict[str, str], left: int) -> None:
    database.run(keep_refusals, [refused(0), refused(40 * 86_400)])
    keeper = RowKeeper(database, refusals=RefusalLog(), settings=lambda: settings, clock=lambda: NOW_MS / 1000 + 41 * 86_400)
    await keeper.remove()
    assert rows(database) == left
