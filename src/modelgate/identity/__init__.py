"""Who is calling: API keys, from the header to the checked caller.

    keys.py    the secret in a request, its digest, and what a key may do
    table.py   the bounded table of keys a relay knows, filled by look-ups

May import core alone (and rooms below that do no I/O). The look-up that fills the table is handed in.
Nouns: a *secret* is what the client sends, a *digest* is its SHA-256, a *key* is the record behind it, a *caller* is a key in its period.
"""
