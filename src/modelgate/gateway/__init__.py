"""The two ways through: a chat in one call (chat.py), a media task (media.py). No server in here: a handler takes an
HttpRequest and gives an HttpResponse, so that the relay's edge and the desk can both call it.

May import: tasks, identity, routing, metering, transport, telemetry, providers, formats, core.
"""
