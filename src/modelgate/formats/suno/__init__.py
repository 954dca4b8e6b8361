"""The Suno client dialect, as the Suno-API relay and the gateways around it speak it: `/suno/…` bodies, envelopes and error codes.

May import: core, formats.media. No I/O, clock or randomness.

    schema     the bodies as the family publishes them, and every bound with its name
    request    body -> neutral media request
    response   task or error -> envelope
    family     the routes, declared with their cases
"""
