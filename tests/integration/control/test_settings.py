"""Settings over the account API, on real databases."""

import pytest

from modelgate.control.errors import NoSuchObject
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.storage.settings import list_settings

from .api import Api

pytestmark = pytest.mark.anyio

PATH = "/api/settings"


async def test_settings_are_listed_with_what_they_take_and_those_of_the_start_beside(api: Api) -> None:
    listed = await api.ask("GET", PATH, role="admin")
    sign_up = next(one for one in listed["data"] if one["name"] == "sign_up")
    assert (sign_up["value"], sign_up["default"], sign_up["values"]) == ("off", "off", ["off", "on"])
    assert {"public_url", "workers"} <= {one["name"] for one in listed["started_with"]}


async def test_an_owner_changes_one(api: Api) -> None:
    assert (await api.ask("PUT", f"{PATH}/sign_up", {"value": "on"}, role="owner"))["value"] == "on"
    assert api.database.read(list_settings) == {"sign_up": "on"}
    with pytest.raises(InvalidRequest) as refused:
        await api.ask("PUT", f"{PATH}/sign_up", {"value": "perhaps"}, role="owner")
    assert refused.value.param == "value"
    with pytest.raises(NoSuchObject):
        await api.ask("PUT", f"{PATH}/first_start_at", {"value": "1"}, role="owner")


async def test_who_may(api: Api) -> None:
    with pytest.raises(PermissionDenied):
        await api.ask("GET", PATH)
    with pytest.raises(PermissionDenied):
        await api.ask("PUT", f"{PATH}/sign_up", {"value": "on"}, role="admin")
