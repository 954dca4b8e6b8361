"""Money: balances, the ledger, leases, request records and media holds. All amounts are integer nano-USD.

Balances and totals are cached sums, changed only in the transaction that writes their entries; `storage/audit.py` proves them.
Ids of other rooms (account, key, task) are plain strings here: money outlives what it was spent for.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, SmallInteger, String, Table, UniqueConstraint, text

from modelgate.storage.schema import metadata

ID = String(64)
BOOK = String(4)
PERIOD = String(16)
FUNDED = text("balance_nanos > 0")  # leases are never deleted; the few that still own money must be found fast
FAILED = text("status < 100 OR status > 399")  # 0: an orphan, or facts that cannot be read

account_balance = Table(
    "account_balance",
    metadata,
    Column("account", ID, primary_key=True),
    Column("book", BOOK, primary_key=True),
    Column("balance_nanos", BigInteger, nullable=False),
    Column("credit_limit_nanos", BigInteger, comment="How far below zero; 0 is prepaid, NULL pays later without bound"),
    Column("recall_round", BigInteger, nullable=False),
    Column("recall_at", Double, nullable=False, index=True, comment="When the round was raised, seconds since the epoch"),
    Column("scarce_at", Double, nullable=False, default=0.0, comment="When the balance itself was last short"),
    Column("over_nanos", BigInteger, nullable=False, default=0, comment="How far beyond the credit limit it was when that was set"),
)

key_period = Table(
    "key_period",
    metadata,
    Column("key", ID, primary_key=True),
    Column("period", PERIOD, primary_key=True),
    Column("account", ID, nullable=False),
    Column("book", BOOK, nullable=False),
    Column("limit_nanos", BigInteger, comment="The limit the last grant or hold was tested against; NULL is none"),
    Column("set_aside_nanos", BigInteger, nullable=False, comment="In leases and open media holds"),
    Column("spent_nanos", BigInteger, nullable=False),
    Column("over_nanos", BigInteger, nullable=False, comment="How far beyond the limit it was when that was last changed"),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("book", BOOK, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("debit", String(160), nullable=False, comment="The ledger account the money leaves"),
    Column("credit", String(160), nullable=False, comment="The ledger account it reaches"),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("cause", String(200), nullable=False),
    Column("note", String(200), nullable=False),
    Column("at", Double, nullable=False),
    UniqueConstraint("kind", "cause"),
    Index("ix_ledger_entry_debit", "debit", "id"),
    Index("ix_ledger_entry_credit", "credit", "id"),
)

incarnation = Table(
    "incarnation",
    metadata,
    Column("id", ID, primary_key=True),
    Column("node", String(200), nullable=False),
    Column("state", String(8), nullable=False, comment="open, closing, closed: only forward; never deleted"),
    Column("posted_seq", BigInteger, nullable=False),
    Column("lost_records", BigInteger, nullable=False, comment="Posted records a power cut took from the end of the journal"),
    Column("abandoned", Boolean, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("closed_at", Double),
)

lease = Table(
    "lease",
    metadata,
    Column("incarnation", ID, primary_key=True),
    Column("key", ID, primary_key=True),
    Column("period", PERIOD, primary_key=True),
    Column("account", ID, nullable=False),
    Column("book", BOOK, nullable=False),
    Column("granted_nanos", BigInteger, nullable=False),
    Column("returned_nanos", BigInteger, nullable=False),
    Column("balance_nanos", BigInteger, nullable=False),
    Column("answered_round", BigInteger, nullable=False, comment="0 after every grant: a grant voids the answer"),
    Index("ix_lease_funded", "account", "book", sqlite_where=FUNDED),
)

request_record = Table(
    "request_record",
    metadata,
    Column("incarnation", ID, primary_key=True),
    Column("hold_seq", BigInteger, primary_key=True),
    Column("request_id", ID, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("account", ID, nullable=False),
    Column("key", ID, nullable=False),
    Column("period", PERIOD, nullable=False),
    Column("book", BOOK, nullable=False),
    Column("model", String(200), nullable=False),
    Column("upstream", String(200), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("hold_nanos", BigInteger, nullable=False),
    Column("overrun_nanos", BigInteger, nullable=False),
    Column("outcome", String(8), nullable=False, comment="captured, released, orphaned"),
    Column("estimated", Boolean, nullable=False),
    Column("first_byte_ms", Integer, nullable=False),
    Column("total_ms", Integer, nullable=False),
    Column("batch", BigInteger, nullable=False, comment="Last seq of the batch that posted it; 0: orphaned at recovery"),
    Column("facts", LargeBinary, nullable=False, comment="core.records.RequestFacts as MessagePack; empty for an orphan"),
    # Each index costs the book a tenth of what a record costs it; ids of requests begin with the time, and need none.
    Index("ix_request_record_book_at_ms", "book", "at_ms"),
    Index("ix_request_record_key_at_ms", "key", "at_ms"),
    Index("ix_request_record_failed", "at_ms", "book", "status", "model", sqlite_where=FAILED),
    sqlite_with_rowid=False,
)

task_hold = Table(
    "task_hold",
    metadata,
    Column("task", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("book", BOOK, nullable=False),
    Column("key", ID, nullable=False),
    Column("period", PERIOD, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("captured_nanos", BigInteger, nullable=False),
    Column("state", String(8), nullable=False, comment="open, captured, released"),
)
