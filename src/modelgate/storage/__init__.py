"""What is kept: the database (SQLite or Postgres), the relays' journals, files of results.

    database.py          one way to run a transaction, called a step; `commits.py` tells cheaply whether there were any
    schema/              the tables, one file per room that owns them
    migrations.py        is the database ours, and of our age? `upgrade.py` and `alembic/` bring an old one up to date
    posting.py           a money step in the making: locks, moves, entries; the ledger's steps are made of it:
      ledger.py            hello, ask, return of relays; credit, refund and limits of operators
      ledger_drain.py      journals become charges and request records
      ledger_recovery.py   the end of an incarnation
      ledger_tasks.py      holds of media tasks
    book_store.py        those steps as the book's engine wants them
    audit.py             proves the ledger; `audit_journals.py` compares journals with it
    journal.py           the journal as it lies on disk and is read; `journal_writer.py` writes it
    identity.py          accounts and keys
    settings.py          the operator's configuration, with `upstreams.py`, `price_rows.py`, and `changes.py`, the feed of changes
    cipher.py            encryption of vendor secrets
    claims.py            idempotency keys and the answers kept under them
    tasks.py             media tasks
    blobs.py             files, on disk or S3

Each step is a function of a connection, whole and safe to repeat. May import: core. Handed in by app and cli; nobody else names it.
"""
