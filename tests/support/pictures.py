"""Pictures made for tests, and metadata such as cameras, phones and photo desks leave in them."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageCms

SECRET = b"SECRET-"
"""What no file that leaves may hold: it stands in every place where metadata can be."""


def picture(width: int = 120, height: int = 80, mode: str = "RGB") -> Image.Image:
    """A picture that tells its corners apart: red left, green right, grey between, blue below."""
    image = Image.new("RGB", (width, height), (128, 128, 128))
    third, half = width // 3, height // 2
    image.paste((255, 0, 0), (0, 0, third, half))
    image.paste((0, 255, 0), (width - third, 0, width, half))
    image.paste((0, 0, 255), (0, half, width, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def srgb() -> bytes:
    """A colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def camera_exif(
    orientation: int = 1, taken: str = "2026:11:28 07:30:00", offset: str | None = "+08:00"
) -> bytes:
    """What a camera writes: its name and number, the place, an owner, a thumbnail."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET-description"
    exif[0x010F] = "SECRET-maker"
    exif[0x0110] = "SECRET-model"
    exif[0x0112] = orientation
    exif[0x013B] = "SECRET-artist"
    exif[0x8298] = "SECRET-copyright"
    camera = exif.get_ifd(0x8769)
    camera[0x9003] = taken
    if offset is not None:
        camera[0x9011] = offset
    camera[0x927C] = SECRET + b"maker-note"
    camera[0xA431] = "SECRET-serial-number"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (30.0, 10.0, 5.0)
    place[29] = "SECRET-gps"
    return exif.tobytes()


def face_xmp(inside: str = "") -> bytes:
    """A packet with a face and its name, an editor's history, and `inside`."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"><rdf:Description rdf:about="">
<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource">
<mwg-rs:Name>SECRET-face</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li></rdf:Bag></mwg-rs:RegionList>
</mwg-rs:Regions>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def data_set(record: int, number: int, data: bytes) -> bytes:
    """An IIM data set."""
    return struct.pack(">BBBH", 0x1C, record, number, len(data)) + data


def photoshop(iim: bytes) -> bytes:
    """A JPEG segment with an IIM stream, behind another resource whose name has an odd length."""
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\x03abc" + struct.pack(">I", 3) + b"xyz\x00"
    padded = iim + b"\x00" * (len(iim) % 2)
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iim)) + padded
    return segment(0xED, b"Photoshop 3.0\x00" + other + resource)


def segment(marker: int, data: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """The JPEG with more segments, behind its first."""
    end = 4 + int.from_bytes(jpeg[4:6])
    return jpeg[:end] + b"".join(segments) + jpeg[end:]


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """The PNG with more chunks, behind its first."""
    return png[:33] + b"".join(chunks) + png[33:]


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    """A WebP chunk."""
    return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def with_webp_chunks(webp: bytes, *chunks: bytes) -> bytes:
    """The WebP with more chunks at its end."""
    body = webp[8:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def full_jpeg(orientation: int = 1, image: Image.Image | None = None, **options: object) -> bytes:
    """A JPEG with a secret in every place where one can hide, and a ZIP file behind its end."""
    jpeg = encoded(
        image or picture(), "JPEG", quality=90, exif=camera_exif(orientation), icc_profile=srgb(), **options
    )
    iim = (
        data_set(1, 90, b"\x1b%G")
        + data_set(2, 110, SECRET + b"credit")
        + data_set(2, 90, SECRET + b"city")
    )
    return (
        with_segments(
            jpeg,
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + face_xmp()),
            segment(0xE1, b"http://ns.adobe.com/xmp/extension/\x00" + SECRET + b"extended"),
            segment(0xE0, b"JFXX\x00\x10" + SECRET + b"thumbnail"),
            segment(0xE2, b"MPF\x00" + SECRET + b"pictures"),
            segment(0xEB, b"JP" + SECRET + b"c2pa"),
            segment(0xFE, SECRET + b"comment <?php system($_GET[0]) ?>"),
            photoshop(iim),
        )
        + b"PK\x03\x04"
        + SECRET
        + b"trailer"
    )


def full_png(orientation: int = 1, image: Image.Image | None = None) -> bytes:
    """A PNG with a secret in every place where one can hide."""
    png = encoded(image or picture(), "PNG", icc_profile=srgb(), dpi=(300, 300))
    return (
        with_chunks(
            png,
            chunk(b"eXIf", camera_exif(orientation).removeprefix(b"Exif\x00\x00")),
            chunk(b"tEXt", b"Comment\x00" + SECRET + b"text"),
            chunk(b"zTXt", b"Author\x00\x00" + zlib.compress(SECRET + b"author")),
            chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + face_xmp()),
            chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 28, 7, 30, 0)),
            chunk(b"prIv", SECRET + b"private"),
        )
        + SECRET
        + b"trailer"
    )


def full_webp(orientation: int = 1, image: Image.Image | None = None, **options: object) -> bytes:
    """A WebP with a secret in every place where one can hide."""
    webp = encoded(
        image or picture(),
        "WEBP",
        exif=camera_exif(orientation),
        icc_profile=srgb(),
        xmp=face_xmp(),
        **options,
    )
    return with_webp_chunks(webp, webp_chunk(b"priv", SECRET + b"private")) + SECRET + b"trailer"
