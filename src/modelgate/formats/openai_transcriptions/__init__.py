"""OpenAI's transcriptions (POST /v1/audio/transcriptions), and what translations share with them.

    schema     what is read of requests and answers
    families   what the vendor's models take, as data, and what they are asked for so that they count
    count      usage read, bounded from above, estimated
    render     texts and subtitles out of answers in JSON
    hearing    requests and answers on their way

Source: the OpenAI API reference, read 2026-11.
"""
