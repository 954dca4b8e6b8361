"""The plain way over all media vendors: `/v1/tasks`, our own dialect, which says the neutral request itself.

    schema    bodies as published
    request   what a client asks for, checked and made neutral
    response  tasks, lists and quotes
    family    the routes

May import: core, formats.media.
"""
