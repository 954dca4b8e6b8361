"""The playground's key over the account API, on real databases."""

import pytest

from modelgate.control.playground import GRACE_S, LIFETIME_S
from modelgate.core.errors import PermissionDenied
from modelgate.identity.keys import digest_of
from modelgate.storage.identity import find_key

from .api import NOW, Api

pytestmark = pytest.mark.anyio

PATH = "/api/playground-key"


async def test_one_key_for_each_member_and_book_with_a_new_secret_each_time(api: Api) -> None:
    first = await api.ask("POST", PATH, {"book": "test"})
    assert (first["book"], first["expires_at"]) == ("test", NOW + LIFETIME_S)
    assert first["secret"].startswith("sk-test-")
    api.now = NOW + 100
    again = await api.ask("POST", PATH, {"book": "test"})
    assert again["key"] == first["key"]
    former, current = (api.database.read(find_key, digest_of(one["secret"])) for one in (first, again))
    assert former is not None
    assert current is not None
    assert (former.expires_at, current.expires_at) == (NOW + 100 + GRACE_S, NOW + 100 + LIFETIME_S)
    live = await api.ask("POST", PATH, {})
    other = await api.ask("POST", PATH, {}, account=api.other)
    assert len({first["key"], live["key"], other["key"]}) == 3
    names = [(one["name"], one["book"]) for one in (await api.ask("GET", "/api/keys"))["data"]]
    assert sorted(names) == [("playground", "live"), ("playground", "test")]


async def test_one_that_was_deleted_is_made_again(api: Api) -> None:
    first = await api.ask("POST", PATH, {})
    await api.ask("DELETE", f"/api/keys/{first['key']}")
    again = await api.ask("POST", PATH, {})
    assert api.database.read(find_key, digest_of(first["secret"])) is None
    assert api.database.read(find_key, digest_of(again["secret"])) is not None


async def test_a_viewer_has_no_playground(api: Api) -> None:
    with pytest.raises(PermissionDenied):
        await api.ask("POST", PATH, {}, role="viewer")
