"""Speech to text: a recording, written down.

pip install openai

    python speech_to_text.py [recording.mp3]
"""

import os
import sys
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

if len(sys.argv) > 1:
    recording = Path(sys.argv[1])
else:  # none at hand: have one spoken
    recording = Path("spoken.wav")
    spoken = client.audio.speech.create(
        model="tts-1",
        voice="alloy",
        input="The train to Oslo leaves at nine.",
        response_format="wav",
    )
    recording.write_bytes(spoken.content)

# The name of the file tells its format, so pass the file, not only its bytes.
with recording.open("rb") as file:
    plain = client.audio.transcriptions.create(model="whisper-1", file=file)
print("Text:", plain.text)

with recording.open("rb") as file:
    timed = client.audio.transcriptions.create(
        model="whisper-1",
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["segment"],
    )
for segment in timed.segments:
    print(f"{segment.start:.1f} to {segment.end:.1f} s: {segment.text.strip()}")
