"""Runway's client dialect: `/runwayml/v1/…` bodies, task objects and errors.

May import: core, formats.media. No I/O, clock or randomness.

    schema     the bodies as published, and every bound with its name
    request    body -> neutral media request
    response   task or error -> the vendor's shape
    family     the routes, declared with their cases
"""
