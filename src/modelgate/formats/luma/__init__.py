"""Luma's client dialects: the family's `/luma/generations`, and Dream Machine's own below `/luma/dream-machine/v1`.

May import: core, formats.media. No I/O, clock or randomness.

    schema           the bodies as published, and every bound with its name
    request          body of the family -> neutral media request
    dream_request    body of Dream Machine -> neutral media request
    response         task or error -> the family's shape
    dream_response   task or list -> Dream Machine's shape
    family           the routes of both, declared with their cases
"""
