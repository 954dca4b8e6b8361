"""Ideogram 3.0's client dialect: `/ideogram/v1/ideogram-v3/…`, forms or JSON, answered with the finished pictures.

May import: core, formats.media, formats.multipart, formats.json_fields. No I/O, clock or randomness.

    schema     the bodies as published, and every bound and choice with its name
    rules      what Ideogram takes, said of a neutral request: dialect and vendor check the same
    request    body -> neutral media request
    response   task or error -> answer
    family     the routes, declared with their cases
"""
