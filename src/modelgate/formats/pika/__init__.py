"""Pika's dialect: one endpoint that starts a video from words, a picture or an effect, and one that shows it.

The paths and bodies are those of Pika's web API of 2024, as gateways imitate them.

    schema    bodies as published, and their bounds
    request   a client's body -> the neutral request
    response  tasks and errors -> Pika's JSON
    family    the routes, for the gateway and the portal
"""
