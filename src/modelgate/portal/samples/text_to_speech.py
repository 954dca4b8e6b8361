"""Text to speech: a text read aloud, saved as an MP3 while it is spoken.

pip install openai
"""

import os
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

speech = Path("speech.mp3")
with client.audio.speech.with_streaming_response.create(
    model="tts-1",
    voice="alloy",
    input="The kite flies over the sea, and the sea is calm today.",
) as response:
    response.stream_to_file(speech)
print(f"{speech}: {speech.stat().st_size} bytes")

# A model that costs by tokens and takes directions.
cheerful = Path("cheerful.wav")
with client.audio.speech.with_streaming_response.create(
    model="gpt-4o-mini-tts",
    voice="coral",
    input="Your parcel has arrived!",
    instructions="Speak cheerfully.",
    response_format="wav",
) as response:
    response.stream_to_file(cheerful)
print(f"{cheerful}: {cheerful.stat().st_size} bytes")
