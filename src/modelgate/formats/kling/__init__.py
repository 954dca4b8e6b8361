"""Kling's client dialect: `/kling/v1/…` bodies, envelope and error numbers.

May import: core, formats.media. No I/O, clock or randomness.

    schema     the bodies as published, and every bound with its name; `video_schema` those of try-ons and videos
    request    body -> neutral media request; `video_request` for videos
    response   task or error -> envelope
    family     the routes, declared with their cases; `video_routes`, and `routes` for what they share
"""
