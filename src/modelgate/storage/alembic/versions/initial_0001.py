"""Everything an installation starts with: identity, configuration, money, tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, those that others refer to first."""
    _create_account()
    _create_account_balance()
    _create_change()
    _create_incarnation()
    _create_key_period()
    _create_lease()
    _create_ledger_entry()
    _create_price()
    _create_price_group()
    _create_request_record()
    _create_setting()
    _create_task()
    _create_task_event()
    _create_task_hold()
    _create_upstream()
    _create_api_key()
    _create_chosen_limit()
    _create_upstream_credential()


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )


def _create_account_balance() -> None:
    op.create_table(
        "account_balance",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("balance_nanos", sa.BigInteger(), nullable=False),
        sa.Column(
            "credit_limit_nanos", sa.BigInteger(), nullable=True, comment="How far below zero; 0 is prepaid, NULL pays later without bound"
        ),
        sa.Column("recall_round", sa.BigInteger(), nullable=False),
        sa.Column("recall_at", sa.Double(), nullable=False, comment="When the round was raised, seconds since the epoch"),
        sa.Column("scarce_at", sa.Double(), nullable=False, comment="When the balance itself was last short"),
        sa.Column("over_nanos", sa.BigInteger(), nullable=False, comment="How far beyond the credit limit it was when that was set"),
        sa.PrimaryKeyConstraint("account", "book", name=op.f("pk_account_balance")),
    )
    op.create_index(op.f("ix_account_balance_recall_at"), "account_balance", ["recall_at"], unique=False)


def _create_change() -> None:
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )


def _create_incarnation() -> None:
    op.create_table(
        "incarnation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False, comment="open, closing, closed: only forward; never deleted"),
        sa.Column("posted_seq", sa.BigInteger(), nullable=False),
        sa.Column("lost_records", sa.BigInteger(), nullable=False, comment="Posted records a power cut took from the end of the journal"),
        sa.Column("abandoned", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incarnation")),
    )


def _create_key_period() -> None:
    op.create_table(
        "key_period",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column(
            "limit_nanos", sa.BigInteger(), nullable=True, comment="The limit the last grant or hold was tested against; NULL is none"
        ),
        sa.Column("set_aside_nanos", sa.BigInteger(), nullable=False, comment="In leases and open media holds"),
        sa.Column("spent_nanos", sa.BigInteger(), nullable=False),
        sa.Column("over_nanos", sa.BigInteger(), nullable=False, comment="How far beyond the limit it was when that was last changed"),
        sa.PrimaryKeyConstraint("key", "period", name=op.f("pk_key_period")),
    )


def _create_lease() -> None:
    op.create_table(
        "lease",
        sa.Column("incarnation", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("granted_nanos", sa.BigInteger(), nullable=False),
        sa.Column("returned_nanos", sa.BigInteger(), nullable=False),
        sa.Column("balance_nanos", sa.BigInteger(), nullable=False),
        sa.Column("answered_round", sa.BigInteger(), nullable=False, comment="0 after every grant: a grant voids the answer"),
        sa.PrimaryKeyConstraint("incarnation", "key", "period", name=op.f("pk_lease")),
    )
    op.create_index(
        "ix_lease_funded",
        "lease",
        ["account", "book"],
        unique=False,
        sqlite_where=sa.text("balance_nanos > 0"),
        postgresql_where=sa.text("balance_nanos > 0"),
    )


def _create_ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("debit", sa.String(length=160), nullable=False, comment="The ledger account the money leaves"),
        sa.Column("credit", sa.String(length=160), nullable=False, comment="The ledger account it reaches"),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("kind", "cause", name=op.f("uq_ledger_entry_kind_cause")),
    )


def _create_price() -> None:
    op.create_table(
        "price",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("rates", sa.Text(), nullable=False, comment="JSON object: unit to a decimal string in USD"),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_price")),
    )


def _create_price_group() -> None:
    op.create_table(
        "price_group",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("multiplier", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_price_group")),
    )


def _create_request_record() -> None:
    op.create_table(
        "request_record",
        sa.Column("incarnation", sa.String(length=64), nullable=False),
        sa.Column("hold_seq", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("upstream", sa.String(length=200), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("hold_nanos", sa.BigInteger(), nullable=False),
        sa.Column("overrun_nanos", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False, comment="captured, released, orphaned"),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("first_byte_ms", sa.Integer(), nullable=False),
        sa.Column("total_ms", sa.Integer(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False, comment="Last seq of the batch that posted it; 0: orphaned at recovery"),
        sa.Column("facts", sa.LargeBinary(), nullable=False, comment="core.records.RequestFacts as MessagePack; empty for an orphan"),
        sa.PrimaryKeyConstraint("incarnation", "hold_seq", name=op.f("pk_request_record")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_request_record_at_ms", "request_record", ["at_ms"], unique=False)


def _create_setting() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )


def _create_task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("family", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="The neutral media request, JSON"),
        sa.Column("facts", sa.LargeBinary(), nullable=False, comment="What the family needs to show the task, JSON"),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("upstream", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.String(length=64), nullable=False),
        sa.Column("vendor_task", sa.String(length=500), nullable=False),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("error_code", sa.String(length=100), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("outputs", sa.LargeBinary(), nullable=False, comment="JSON array"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("poll_errors", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("submitted_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True, comment="Set with a terminal state, and only then"),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("deadline_at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="Rises with every write; who writes must name the one it read"),
        sa.Column("lease_owner", sa.String(length=200), nullable=False, comment="The process that moves it now; empty: nobody"),
        sa.Column("wake_at", sa.Double(), nullable=False, comment="Not claimed before: due_at, or the end of the lease"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_account_created_at", "task", ["account", "created_at"], unique=False)
    op.create_index(
        "ix_task_upstream",
        "task",
        ["upstream"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_task_wake_at",
        "task",
        ["wake_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _create_task_event() -> None:
    op.create_table(
        "task_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_task_event")),
        sa.UniqueConstraint("task", "version", name=op.f("uq_task_event_task_version")),
        comment="Each change of a task's state, written in the transaction that makes it; never changed. Deliveries read it in order.",
    )


def _create_task_hold() -> None:
    op.create_table(
        "task_hold",
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("captured_nanos", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False, comment="open, captured, released"),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_task_hold")),
    )


def _create_upstream() -> None:
    op.create_table(
        "upstream",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("models", sa.Text(), nullable=False, comment="JSON object: the caller's name to the upstream's"),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("socket", sa.Text(), nullable=False),
        sa.Column("cancel", sa.String(length=16), nullable=False),
        sa.Column("timeout_s", sa.Double(), nullable=False),
        sa.Column("ca_file", sa.Text(), nullable=False),
        sa.Column("max_concurrent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream")),
        sa.UniqueConstraint("name", name=op.f("uq_upstream_name")),
    )


def _create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("former_digest", sa.String(length=64), nullable=True, comment="The secret before a rotation with a grace period"),
        sa.Column("former_until", sa.Double(), nullable=True),
        sa.Column("hint", sa.String(length=32), nullable=False),
        sa.Column("price_group", sa.String(length=100), nullable=False),
        sa.Column("limit_nanos", sa.BigInteger(), nullable=True),
        sa.Column("limit_reset", sa.String(length=16), nullable=False),
        sa.Column("models", sa.Text(), nullable=False, comment="JSON array"),
        sa.Column("ips", sa.Text(), nullable=False, comment="JSON array"),
        sa.Column("rpm", sa.Integer(), nullable=True),
        sa.Column("tpm", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True, comment="Cell of the shared rate counters; a disabled key gives it up"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_api_key_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
        sa.UniqueConstraint("former_digest", name=op.f("uq_api_key_former_digest")),
        sa.UniqueConstraint("slot", name=op.f("uq_api_key_slot")),
    )
    op.create_index(op.f("ix_api_key_account"), "api_key", ["account"], unique=False)


def _create_chosen_limit() -> None:
    op.create_table(
        "chosen_limit",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("book", sa.String(length=4), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_chosen_limit_account")),
        sa.PrimaryKeyConstraint("account", "book", name=op.f("pk_chosen_limit")),
        comment="A row says that somebody chose this credit limit; without one, the first credit makes the account prepaid.",
    )


def _create_upstream_credential() -> None:
    op.create_table(
        "upstream_credential",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("upstream", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False, comment="AES-256-GCM, bound to this row's id"),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["upstream"], ["upstream.id"], name=op.f("fk_upstream_credential_upstream")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_credential")),
    )
    op.create_index(op.f("ix_upstream_credential_upstream"), "upstream_credential", ["upstream"], unique=False)
