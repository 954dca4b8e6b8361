"""A new upstream, from what its provider is and what was said about it."""

import pytest

from modelgate.core.providers import Provider, Quirks, bearer
from modelgate.core.upstreams import UpstreamIncomplete, draft_upstream

VENDOR = Provider(name="v", title="Vendor", base_url="https://api.v.example", sign=bearer)
OWN = Provider(name="o", title="Own", base_url="", sign=bearer, quirks=Quirks(self_hosted=True))


def test_what_is_not_said_is_the_providers() -> None:
    made = draft_upstream(VENDOR, book="live", secrets=["a", "b"], keyless=False, given={"weight": 5})
    assert (made.name, made.base_url, made.weight, made.free) == ("v", "https://api.v.example", 5, False)
    assert [one.secret for one in made.credentials] == ["a", "b"]
    assert len({made.id, *(one.id for one in made.credentials)}) == 3


def test_a_server_of_ones_own_is_free_and_wants_no_key() -> None:
    made = draft_upstream(OWN, book="live", secrets=[], keyless=False, given={"base_url": "http://h"})
    assert (made.free, [one.secret for one in made.credentials]) == (True, [""])
    assert not draft_upstream(OWN, book="live", secrets=[], keyless=False, given={"base_url": "http://h", "free": False}).free


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UpstreamIncomplete) as missing:
        draft_upstream(OWN, book="live", secrets=[], keyless=True, given={})
    assert missing.value.field == "base_url"
    with pytest.raises(UpstreamIncomplete) as missing:
        draft_upstream(VENDOR, book="live", secrets=[], keyless=False, given={})
    assert missing.value.field == "secrets"
    assert draft_upstream(VENDOR, book="live", secrets=[], keyless=True, given={}).credentials[0].secret == ""
