from modelgate.core.endpoints import Endpoint
from modelgate.core.errors import BalanceExhausted, InvalidKey, RateExceeded
from modelgate.portal.refusals import refusals_by_status, sentence

ENDPOINT = Endpoint(
    method="GET",
    path="/x",
    name="x",
    family="x",
    home="desk",
    summary="x",
    description="x",
    errors=(RateExceeded, BalanceExhausted, InvalidKey),
    statuses={BalanceExhausted: 402},
)


def test_errors_stand_under_the_status_of_the_dialect() -> None:
    grouped = refusals_by_status(ENDPOINT)
    assert list(grouped) == [401, 402, 429, 500]
    assert [row.code for row in grouped[402]] == ["insufficient_quota"]
    assert grouped[500][0].code == "internal_error"


def test_a_sentence() -> None:
    (row,) = refusals_by_status(ENDPOINT)[401]
    assert sentence(row).startswith("`invalid_api_key`: The API key is not known here.")
