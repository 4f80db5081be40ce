#!/usr/bin/env bash
# Makes the sounds and films of this folder again: a tone, and ffmpeg's test picture.
set -euo pipefail
cd "$(dirname "$0")"
tone="-f lavfi -i sine=frequency=440:sample_rate=22050:duration=1.5"
short="-f lavfi -i sine=frequency=440:sample_rate=8000:duration=1"
picture="-f lavfi -i testsrc=size=64x48:rate=10:duration=1.5"
exact="-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1"
h264="-c:v libx264 -pix_fmt yuv420p -threads 1"
make() { ffmpeg -v error -nostdin -y "$@"; }

make $tone -ac 1 -b:a 32k $exact -metadata title="湘湖晨声" -metadata artist="记者 王琳" -metadata copyright="萧山网" sound.mp3
make $tone -ac 1 -c:a aac -b:a 32k $exact -metadata title="湘湖晨声" -metadata artist="记者 王琳" sound.m4a
make $tone -ac 1 -c:a libvorbis -q:a 0 $exact -metadata title="湘湖晨声" sound.ogg
make $tone -ac 1 -c:a libopus -b:a 16k $exact -metadata title="湘湖晨声" sound.opus
make $short -ac 1 -c:a flac $exact -metadata title="湘湖晨声" sound.flac
make $short -ac 1 $exact sound.wav
make $picture $tone $h264 -c:a aac -ac 1 -b:a 32k -shortest $exact -metadata title="湘湖" film.mp4
make -i film.mp4 -c copy -metadata:s:v rotate=90 -f mov $exact -movflags +faststart+use_metadata_tags \
  -metadata com.apple.quicktime.location.ISO6709="+30.1600+120.2500/" \
  -metadata com.apple.quicktime.make=Acme -metadata com.apple.quicktime.model="Camera 7" upright.mov
make $picture -c:v libvpx -b:v 30k -threads 1 $exact film.webm
