"""OpenAI's videos (`/v1/videos`) and the older `/v1/video/generations`, for every model of videos whoever makes them.

    schema    bodies as published
    request   JSON and forms, checked and made neutral
    response  the video object, the older envelope, lists
    family    the routes

May import: core, formats.media, formats.multipart.
"""
