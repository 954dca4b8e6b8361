"""Durable media tasks, from queued to an end that settles their money exactly once.

    store.py      the store this room needs, as a Protocol
    calls.py      one HTTP call to a vendor, and whether it was sent when it fails
    places.py     which upstreams may take a task, and which one has it
    recorder.py   writing down what became of a task: later, or at its end
    outputs.py    result files, copied to the blob store through the URL guard
    charges.py    what of a hold is charged
    advance.py    `Mover.advance(task)`: the only mover
    submit.py     from queued to running: marks, sends, reads the answer
    follow.py     from running or unknown to an end: polls and look-ups
    worker.py     claims what is due and advances it; submits what a caller brings

    queued ──> submitting ──> running ──> succeeded
       ^           │  │          │
       └───────────┘  └> unknown ┴──> failed, expired      (canceled: by its caller; waiting_input: a vendor asks back)

A task is marked `submitting` before its vendor is called, so whoever finds it in that state after a crash knows that the
vendor may have been asked: it becomes `unknown` and is looked up, never sent again. Writes name the version they were made
from, so of two movers one writes nothing; the terminal write captures or releases the hold in the same transaction.

May import: identity, routing, metering, transport, telemetry, providers, formats, core. Never storage: it is handed in.
"""
