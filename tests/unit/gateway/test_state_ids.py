import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.gateway.state_ids import Bound, BoundIds, StateSeals

SEALS = StateSeals(b"k" * 32)
IDS = BoundIds(SEALS, account="acct_1", upstream="up_1", credential="cred_1")


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=60))
def test_an_id_is_told_sealed_and_opened_again(rest: str) -> None:
    told = IDS.seal(f"resp_{rest}")
    assert re.fullmatch(r"resp_[a-zA-Z0-9_-]+", told)
    assert IDS.open(told) == f"resp_{rest}"
    assert SEALS.find(told, account="acct_1") == Bound("up_1", "cred_1", f"resp_{rest}")


@pytest.mark.parametrize(
    "other",
    [
        BoundIds(SEALS, account="acct_2", upstream="up_1", credential="cred_1"),
        BoundIds(SEALS, account="acct_1", upstream="up_2", credential="cred_1"),
        BoundIds(SEALS, account="acct_1", upstream="up_1", credential="cred_2"),
        BoundIds(StateSeals(b"x" * 32), account="acct_1", upstream="up_1", credential="cred_1"),
    ],
)
def test_nobody_else_can_use_it(other: BoundIds) -> None:
    with pytest.raises(InvalidRequest):
        other.open(IDS.seal("resp_1"))


@pytest.mark.parametrize("id", ["", "resp_abc", "resp_mg1", "resp_mg1AAAA", "resp_mg1" + "A" * 5000, "resp_mg1ä"])
def test_what_was_not_made_here_is_unknown(id: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        IDS.open(id)
    assert refused.value.code == "previous_response_not_found"


def test_one_changed_letter_breaks_the_seal() -> None:
    told = IDS.seal("resp_1")
    for at in range(8, len(told) - 1):
        changed = told[:at] + ("A" if told[at] != "A" else "B") + told[at + 1 :]
        with pytest.raises(InvalidRequest):
            IDS.open(changed)
