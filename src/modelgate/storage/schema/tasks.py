"""Media tasks and their history. The money held for them is `money.task_hold`, tied by id."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, SmallInteger, String, Table, Text, UniqueConstraint, text

from modelgate.storage.schema import metadata

ID = String(64)
UNFINISHED = text("finished_at IS NULL")
UNENDED = text("ended_at IS NULL")
EMPTY = text("''")

task = Table(
    "task",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("key", ID, nullable=False),
    Column("book", String(4), nullable=False),
    Column("family", String(32), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("model", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("request", LargeBinary, nullable=False, comment="The neutral media request, JSON"),
    Column("facts", LargeBinary, nullable=False, comment="What the family needs to show the task, JSON"),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("upstream", ID, nullable=False),
    Column("credential", ID, nullable=False),
    Column("vendor_task", String(500), nullable=False),
    Column("progress", SmallInteger, nullable=False),
    Column("error_code", String(100), nullable=False),
    Column("error_message", Text, nullable=False),
    Column("outputs", LargeBinary, nullable=False, comment="JSON array"),
    Column("attempt", Integer, nullable=False),
    Column("poll_errors", Integer, nullable=False),
    Column("request_id", ID, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("submitted_at", Double),
    Column("finished_at", Double, comment="Set with a terminal state, and only then"),
    Column("updated_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("deadline_at", Double, nullable=False),
    Column("version", Integer, nullable=False, comment="Rises with every write; who writes must name the one it read"),
    Column("details", LargeBinary, nullable=False, server_default=text("'{}'"), comment="What the vendor says about the job, JSON"),
    Column("parent", ID, nullable=False, server_default=EMPTY, comment="The task it builds on"),
    Column("pinned", ID, nullable=False, server_default=EMPTY, comment="The only upstream that may have it; empty: any"),
    Column("callback_url", Text, nullable=False, server_default=EMPTY, comment="Where its caller hears of changes"),
    Column("lease_owner", String(200), nullable=False, comment="The process that moves it now; empty: nobody"),
    Column("wake_at", Double, nullable=False, comment="Not claimed before: due_at, or the end of the lease"),
    Index("ix_task_wake_at", "wake_at", sqlite_where=UNFINISHED),
    Index("ix_task_upstream", "upstream", sqlite_where=UNFINISHED),
    Index("ix_task_account_created_at", "account", "created_at"),
    Index("ix_task_book_created_at", "book", "created_at"),
    Index("ix_task_key_created_at", "key", "created_at"),
    Index("ix_task_request_id", "request_id"),
    Index("ix_task_finished_at", "finished_at"),
)

task_output = Table(
    "task_output",
    metadata,
    Column("account", ID, primary_key=True),
    Column("vendor_id", String(200), primary_key=True),
    Column("task", ID, primary_key=True),
    comment="Results of succeeded tasks by their vendors' names, by which later work builds on them. Written with the task's end.",
)

task_event = Table(
    "task_event",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("task", ID, nullable=False),
    Column("account", ID, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    UniqueConstraint("task", "version"),
    comment="Each change of a task's state, written in the transaction that makes it; never changed. Deliveries read it in order.",
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", ID, primary_key=True),
    Column("task", ID, nullable=False),
    Column("account", ID, nullable=False),
    Column("task_state", String(16), nullable=False),
    Column("version", Integer, nullable=False, comment="The task's, when it came into this state"),
    Column("state", String(16), nullable=False, comment="pending, sending, delivered, failed, gone, skipped"),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Double, nullable=False, comment="Not tried before; while sending the end of the lease"),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("ended_at", Double),
    Column("answer_status", SmallInteger, nullable=False),
    Column("error", String(200), nullable=False),
    UniqueConstraint("task", "version"),
    Index("ix_webhook_ended_at", "ended_at"),
    Index("ix_webhook_due_at", "due_at", sqlite_where=UNENDED),
    comment="Changes of tasks on their way to callers, each written in the transaction that makes the change.",
)
