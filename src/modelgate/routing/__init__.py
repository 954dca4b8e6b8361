"""Which upstream serves a request: priority, weight, health, and what to do after a failure. Pure decisions, no I/O.

Nouns: a *route* is where a model may go (table.py), a *candidate* one credential at one upstream, a *verdict* what an
attempt's outcome means for the next step (retry.py), *health* what recent attempts taught (health.py).
May import: providers, formats, core.
"""
