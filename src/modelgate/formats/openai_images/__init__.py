"""OpenAI's pictures (POST /v1/images/generations), and what edits and variations share with them.

    schema     what is read of requests and answers
    families   what the vendor's models take, as data
    count      usage read, bounded from above, estimated
    answer     answers, streams and errors on their way to the client

Source: the OpenAI API reference, read 2026-11.
"""
