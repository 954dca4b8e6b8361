"""Who is calling: API keys, from the header to the checked caller; members, from the password to what they may do.

    keys.py        the secret in a request, its digest, and what a key may do
    table.py       the bounded table of keys a relay knows, filled by look-ups
    roles.py       what each role may do
    members.py     who may change whom, and the links that make members
    passwords.py   hashes; attempts.py: how often one may be tried
    sessions.py    the cookie of a browser, the access key of a program

May import core alone (and rooms below that do no I/O). The look-up that fills the table is handed in.
Nouns: a *secret* is what the client sends, a *digest* is its SHA-256, a *key* is the record behind it, a *caller* is a key in its period.
"""
