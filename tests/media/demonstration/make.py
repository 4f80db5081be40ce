"""Makes the picture, the sound and the film of the demonstration (syndicate/demo/media) again.

All of it is ours: hills and a lake drawn by Pillow, a melody of sine waves, a boat that crosses the water.
Needs Pillow and ffmpeg: `python tests/media/demonstration/make.py`.
"""

from __future__ import annotations

import array
import math
import random
import subprocess
import tempfile
import wave
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

TARGET = Path(__file__).parents[3] / "syndicate" / "demo" / "media"
EXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
RATE = 44_100
PENTATONIC = {"1": 0, "2": 2, "3": 4, "5": 7, "6": 9}
"""The five notes of the scale in semitones above its first."""
MORNING = "5 6 1' 6 5 3 5 - 2 3 5 3 2 1 2 - 3 5 6 1' 6 5 3 2 1 - - -"
DAY = "1 3 5 6 1' 6 5 3 5 -"

Colour = tuple[int, int, int]


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The colour between two: the first at 0, the second at 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def landscape(width: int, height: int, hour: float) -> Image.Image:
    """湘湖: sky, sun, three chains of hills, and the lake that mirrors them. `hour` runs from 0 to 1."""
    shore = height * 11 // 20
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    dawn, noon = (248, 214, 178), (196, 222, 236)
    for y in range(shore):
        draw.line((0, y, width, y), mixed((92, 128, 170), mixed(dawn, noon, hour), y / shore))
    sun = (width * (0.2 + 0.6 * hour), shore * (0.7 - 0.9 * hour * (1 - hour)), height / 18)
    draw.ellipse((sun[0] - sun[2], sun[1] - sun[2], sun[0] + sun[2], sun[1] + sun[2]), (255, 240, 205))
    waves = random.Random(26)
    for chain in range(3):
        top, colour = shore * (0.55 + 0.15 * chain), mixed((120, 146, 168), (38, 72, 70), chain / 2)
        bends = [(waves.uniform(0.6, 3.0), waves.uniform(0, 6.3), shore * 0.09 / (n + 1)) for n in range(4)]
        ridge = [
            (x, top + sum(a * math.sin(f * 6.3 * x / width + p) for f, p, a in bends))
            for x in range(width + 1)
        ]
        draw.polygon([(0, shore), *ridge, (width, shore)], colour)
    mirror = picture.crop((0, 0, width, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.resize((width, height - shore)).filter(ImageFilter.GaussianBlur(height / 160))
    picture.paste(Image.blend(mirror, Image.new("RGB", mirror.size, (70, 110, 130)), 0.35), (0, shore))
    for _ in range(60):
        x, y = waves.randrange(width), waves.randrange(shore + 4, height)
        draw.line((x, y, x + width // 24, y), mixed(picture.getpixel((x, y)), (235, 243, 245), 0.35))  # type: ignore[arg-type]
    return picture


def boat(picture: Image.Image, x: float, y: float, size: float) -> None:
    """A boat with a reed roof, as on the lakes of 萧山."""
    draw = ImageDraw.Draw(picture)
    hull = [(-2, 0), (2, 0), (1.5, 0.5), (-1.5, 0.5)]
    draw.polygon([(x + a * size, y + b * size) for a, b in hull], (34, 32, 34))
    draw.pieslice((x - size, y - size * 0.7, x + size, y + size * 0.7), 180, 360, (88, 74, 56))


def melody(notes: str, seconds: float) -> array.array[int]:
    """The notes one after the other, each a plucked tone that fades: 16 bits, mono."""
    played = notes.split()
    length = seconds / (len(played) + 3)
    samples = [0.0] * int(RATE * seconds)
    for place, note in enumerate(played):
        if note == "-":
            continue
        octave = 12 * note.count("'")
        pitch = 293.66 * 2 ** ((PENTATONIC[note[0]] + octave) / 12)
        start = int(place * length * RATE)
        for at in range(start, min(start + int(4 * length * RATE), len(samples))):
            t = (at - start) / RATE
            tone = sum(math.sin(6.2832 * pitch * k * t) / k**2 for k in (1, 2, 3))
            samples[at] += tone * math.exp(-3.2 * t) * min(1.0, t * 200)
    loudest = max(map(abs, samples))
    return array.array("h", (round(one / loudest * 24_000) for one in samples))


def written(samples: array.array[int], path: Path) -> None:
    """The samples as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())


def ffmpeg(*options: str | Path, frames: bytes | None = None) -> None:
    """Run ffmpeg; `frames` are what it reads on standard input."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, options)], input=frames, check=True)


def main() -> None:
    """Write the three files."""
    TARGET.mkdir(exist_ok=True)
    picture = landscape(1600, 1000, 0.4)
    boat(picture, 1050, 720, 42)
    picture.save(TARGET / "xianghu-morning.jpg", quality=80, optimize=True)
    with tempfile.TemporaryDirectory() as scratch:
        sound, music = Path(scratch) / "morning.wav", Path(scratch) / "day.wav"
        written(melody(MORNING, 12), sound)
        written(melody(DAY, 5), music)
        ffmpeg("-i", sound, "-b:a", "48k", *EXACT, "-id3v2_version", "0", TARGET / "xianghu-melody.mp3")
        size, count = (640, 360), 75
        frames = bytearray()
        for number in range(count):
            one = landscape(*size, number / count)
            boat(one, 60 + 520 * number / count, 262, 16)
            frames += one.tobytes()
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "640x360", "-r", "15", "-i", "-"]
        film = [
            "-c:v",
            "libx264",
            "-preset",
            "veryslow",
            "-crf",
            "29",
            "-pix_fmt",
            "yuv420p",
            "-threads",
            "1",
        ]
        audio = ["-c:a", "aac", "-b:a", "48k", "-shortest", "-movflags", "+faststart"]
        target = TARGET / "xianghu-boat.mp4"
        ffmpeg(*raw, "-i", music, *film, *audio, *EXACT, target, frames=bytes(frames))


if __name__ == "__main__":
    main()
