"""From a journal's record to a row of request_record."""

import msgspec

from modelgate.core.records import RequestFacts
from modelgate.storage.journal import JournalRecord
from modelgate.storage.ledger_drain import _Columns, record_row

FACTS = RequestFacts(
    request_id="req_1",
    account="acct_a",
    key="key_k",
    book="live",
    endpoint="chat",
    model="m",
    at_ms=7,
    status=201,
    upstream="up_1",
    input_tokens=11,
    output_tokens=12,
    first_byte_ms=13,
    total_ms=14,
    estimated=True,
    units={"images": 1},
    note="client_left",
)


def test_the_columns_are_the_beginning_of_the_facts() -> None:
    """Facts are encoded as an array: a field moved or put in between would fill the columns with something else."""
    assert RequestFacts.__struct_fields__[: len(_Columns.__struct_fields__)] == _Columns.__struct_fields__


def test_a_capture_becomes_a_row() -> None:
    facts = msgspec.msgpack.encode(FACTS)
    record = JournalRecord(2, "capture", 1, "key_k", "acct_a", "live", "all", 9, 10, "req_1", facts)
    row = record_row("inc_1", record, batch=5)
    assert row[:8] == ("inc_1", 1, "req_1", 7, "acct_a", "key_k", "all", "live")
    assert row[8:] == ("m", "up_1", 201, 11, 12, 10, 9, 1, "captured", True, 13, 14, 5, facts)
    assert msgspec.msgpack.decode(row[-1], type=RequestFacts) == FACTS  # type: ignore[call-overload]  # a row is of objects
