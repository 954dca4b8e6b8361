"""The program that speaks, with the library of eSpeak NG: lines come in, sound goes out, and it ends.

A process for each speech: the library carries its state from one text to the next, and only a fresh one says the same in the same
way; and a fault in it ends a speech, not the sandbox. The package is not there (`python -I -S voice_process.py LIBRARY DATA SAMPLES`).

In: for each line a voice, a pitch (0 to 99) and a text, each ended by a zero byte. Out: 16-bit samples, 22,050 a second, at most SAMPLES.
"""

import ctypes
import sys

RATE_HZ = 22_050
NOT_LOADED = 3
"""The exit code when there is no such library for this machine, or it does not find its data."""

_SYNCHRONOUS = 2  # the sound is handed to a callback while `espeak_Synth` runs; nothing is played
_DO_NOT_EXIT = 0x8000  # the library's own habit when its data are missing
_UTF8, _PAUSE_AT_END = 1, 0x1000
_SEED = 1  # of the noise in a voice; the library's own is the time of day
_PITCH = 3
_BUFFER_MS = 100
_HEARD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def main(library: str, data: str, samples: str) -> int:
    """Speak what comes in. Returns the exit code."""
    try:
        espeak = ctypes.CDLL(library)
        rate = espeak.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data.encode(), _DO_NOT_EXIT)
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_LOADED
    if rate != RATE_HZ:
        sys.stderr.write(f"espeak_Initialize returned {rate}\n")
        return NOT_LOADED
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
    fields = sys.stdin.buffer.read().split(b"\0")
    lines = zip(fields[0::3], fields[1::3], fields[2::3], strict=False)  # an empty one is left over
    sys.stdout.buffer.write(speak(espeak, list(lines), most_bytes=2 * int(samples)))
    return 0


def speak(espeak: ctypes.CDLL, lines: list[tuple[bytes, bytes, bytes]], *, most_bytes: int) -> bytes:
    """Return lines of (voice, pitch, text) as sound, cut where it gets too long."""
    sound = bytearray()

    def heard(wave: int | None, count: int, _: int | None) -> int:
        if wave and count > 0:
            sound.extend(ctypes.string_at(wave, 2 * count))
        return int(len(sound) >= most_bytes)  # 1 ends it

    callback = _HEARD(heard)
    espeak.espeak_SetSynthCallback(callback)
    espeak.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, *[ctypes.c_uint] * 4, ctypes.c_void_p, ctypes.c_void_p]
    for voice, pitch, text in lines:
        if len(sound) >= most_bytes:
            break
        espeak.espeak_SetVoiceByName(voice)
        espeak.espeak_SetParameter(_PITCH, int(pitch), 0)
        espeak.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8 | _PAUSE_AT_END, None, None)
    return bytes(sound[:most_bytes])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
