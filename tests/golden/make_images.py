"""Writes images.safetensors, the pictures that tests/io/image_test.cpp reads.

    pip install pillow numpy safetensors && python3 tests/golden/make_images.py

Each picture NAME is two arrays of bytes: NAME/file, the PNG or JPEG file, and NAME/pixels, [height, width, channels],
what must be read from it. The PNG files of every kind are written here by hand, and their pixels come from the values
that went in; Pillow writes the JPEG files, and reads them. Pillow must agree with the PNG files that it can read.
"""

import io
import pathlib
import struct
import zlib

import numpy
import safetensors.numpy
from PIL import Image, ImageOps

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGB_ALPHA: (8, 16)}
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
random = numpy.random.default_rng(7)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(values, depth):
    """Rows of [height, width, channels] values, each with the filter `none` before it."""
    rows = b""
    for row in values.reshape(values.shape[0], -1):
        if depth == 16:
            rows += b"\0" + row.astype(">u2").tobytes()
        else:
            bits = "".join(f"{value:0{depth}b}" for value in row)
            bits += "0" * (-len(bits) % 8)
            rows += b"\0" + bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return rows


def png(values, kind, depth, interlaced=False, before=b"", after=b""):
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    if interlaced:
        passes = [values[y::dy, x::dx] for y, x, dy, dx in ADAM7]
        rows = b"".join(packed_rows(part, depth) for part in passes if part.size)
    else:
        rows = packed_rows(values, depth)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + after
            + chunk(b"IEND", b""))


def over_white(values):
    """8 bits a channel, the last of which is alpha."""
    alpha = values[..., -1:].astype(int)
    return ((values[..., :-1].astype(int) * alpha + 255 * (255 - alpha) + 127) // 255).astype(numpy.uint8)


def png_pictures():
    for kind, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                values = random.integers(0, 2**depth, (7, 9, CHANNELS[kind]))
                eight = numpy.round(values * 255 / (2**depth - 1)).astype(numpy.uint8)
                before = b""
                if kind == PALETTE:
                    palette = random.integers(0, 256, (2**depth, 3)).astype(numpy.uint8)
                    before = chunk(b"PLTE", palette.tobytes())
                    eight = palette[values[..., 0]]
                elif kind in (GREY_ALPHA, RGB_ALPHA):
                    eight = over_white(eight)
                name = f"png_{kind}_{depth}" + ("_interlaced" if interlaced else "")
                yield name, png(values, kind, depth, interlaced, before), eight

    # A palette whose first colours are transparent to a degree, and a colour that stands for transparent.
    values = random.integers(0, 4, (5, 6, 1))
    palette = random.integers(0, 256, (4, 3)).astype(numpy.uint8)
    alpha = numpy.array([0, 100, 255, 255], numpy.uint8)
    colors = numpy.concatenate([palette, alpha[:, None]], 1)[values[..., 0]]
    before = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", alpha[:2].tobytes())
    yield "png_palette_alpha", png(values, PALETTE, 2, before=before), over_white(colors)
    values = random.integers(0, 4, (5, 6, 1))
    before = chunk(b"tRNS", struct.pack(">H", 2))
    yield "png_grey_key", png(values, GREY, 2, before=before), numpy.where(values == 2, 255, values * 85).astype(numpy.uint8)
    values = random.integers(0, 256, (4, 6, 3)).astype(numpy.uint8)
    before = chunk(b"eXIf", exif(6)[6:])
    yield "png_exif_6", png(values, RGB, 8, before=before), numpy.rot90(values, -1)


def exif(orientation, order=">"):
    mark = b"MM" if order == ">" else b"II"
    return (b"Exif\0\0" + mark + struct.pack(order + "HIH", 42, 8, 1)
            + struct.pack(order + "HHIHHI", 0x0112, 3, 1, orientation, 0, 0))


def smooth(height, width, channels):
    """Colours that JPEG keeps well."""
    y, x, c = numpy.meshgrid(range(height), range(width), range(channels), indexing="ij")
    return (128 + 100 * numpy.sin(y / 5 + c) * numpy.cos(x / 6 - c)).astype(numpy.uint8)


def jpeg(picture, **options):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def jpeg_pictures():
    color = Image.fromarray(smooth(18, 21, 3))
    files = {
        "jpeg_grey": jpeg(Image.fromarray(smooth(18, 21, 1)[..., 0])),
        "jpeg_420": jpeg(color, subsampling="4:2:0"),
        "jpeg_444": jpeg(color, subsampling="4:4:4"),
        "jpeg_progressive": jpeg(color, progressive=True),
        "jpeg_cmyk": jpeg(Image.fromarray(smooth(18, 21, 4), "CMYK")),
    }
    for orientation in range(1, 9):
        files[f"jpeg_exif_{orientation}"] = jpeg(color, exif=exif(orientation, "<" if orientation % 2 else ">"))
    for name, file in files.items():
        with Image.open(io.BytesIO(file)) as picture:
            seen = ImageOps.exif_transpose(picture)
            yield name, file, numpy.asarray(seen if seen.mode == "L" else seen.convert("RGB"))


def check(name, file, pixels):
    """Pillow sees the same, where it keeps to 8 bits and has no alpha to lay over white."""
    with Image.open(io.BytesIO(file)) as picture:
        if picture.mode.startswith("I") or "A" in picture.getbands() or "transparency" in picture.info:
            return
        seen = ImageOps.exif_transpose(picture)
        seen = numpy.asarray(seen.convert("L" if pixels.shape[2] == 1 else "RGB"))
    if numpy.abs(seen.reshape(pixels.shape).astype(int) - pixels).max() > (1 if "_16" in name else 0):
        raise SystemExit(f"Pillow reads {name} otherwise")


def main():
    tensors = {}
    for name, file, pixels in [*png_pictures(), *jpeg_pictures()]:
        pixels = numpy.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1), numpy.uint8)
        check(name, file, pixels)
        tensors[f"{name}/file"] = numpy.frombuffer(file, numpy.uint8)
        tensors[f"{name}/pixels"] = pixels
    safetensors.numpy.save_file(tensors, pathlib.Path(__file__).parent / "images.safetensors")


if __name__ == "__main__":
    main()
