"""Midjourney as its clients speak it: the API of midjourney-proxy at `/mj/`, and by speed at `/mj-fast/mj/`, `/mj-relax/mj/` and so on.

May import: core, formats.media. Pure functions.

    schema     the published shapes and their bounds
    buttons    what a button's `customId` means
    said       what all submits may say
    request    bodies -> neutral requests
    children   the same for work on an earlier task
    response   tasks and errors -> the family's bodies
    submits    the routes that start something
    family     all routes
"""
