#!/usr/bin/env python3
"""Makes the pictures beside this file, with PIL (made with 9.4). Not part of the build: they are kept."""
import pathlib
import struct
import zlib

from PIL import Image

folder = pathlib.Path(__file__).parent
W, H = 5, 3
rgb = Image.new("RGB", (W, H))
rgb.putdata([(50 * x, 100 * y, 10 * (x + y)) for y in range(H) for x in range(W)])
rgb.save(folder / "plain.png")
rgb.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "palette.png")
rgb.convert("L").save(folder / "grey.png")
clear = rgb.convert("RGBA")
clear.putalpha(Image.frombytes("L", (W, H), bytes([0, 51, 102, 204, 255] * H)))
clear.save(folder / "transparent.png")
Image.frombytes("I;16", (W, H), struct.pack("<15H", *[257 * 15 * i for i in range(15)])).save(folder / "grey16.png")
clear.save(folder / "animated.png", save_all=True, append_images=[Image.new("RGBA", (W, H), "red")])


def png(name, width, height, kind, data, interlace=0):
    def chunk(what, body):
        return struct.pack(">I", len(body)) + what + body + struct.pack(">I", zlib.crc32(what + body))
    (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0,
                                interlace)) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rows = b""
for x0, y0, dx, dy in passes:
    for y in range(y0, H, dy):
        if x0 < W:
            rows += b"\0" + b"".join(bytes(rgb.getpixel((x, y))) for x in range(x0, W, dx))
png("interlaced.png", W, H, 2, rows, 1)
png("bomb.png", W, H, 2, bytes(10000000))
png("huge.png", 65000, 65000, 2, b"")
png("no_pixels.png", 0, 5, 2, b"")

smooth = Image.new("RGB", (24, 17))
smooth.putdata([(10 * x, 15 * y, 255 - 10 * x) for y in range(17) for x in range(24)])
smooth.save(folder / "smooth.jpg", quality=95, subsampling=0)
smooth.save(folder / "progressive.jpg", quality=95, subsampling=0, progressive=True)
smooth.convert("L").save(folder / "grey.jpg", quality=95)
smooth.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
noise = Image.new("RGB", (17, 13))
noise.putdata([((x * 37 + y * 91) % 256, (x * x * 13 + y * 7) % 256, (x * y * 29) % 256) for y in range(13) for x in range(17)])
noise.save(folder / "noise.png")
noise.resize((6, 5), Image.Resampling.BILINEAR).save(folder / "noise_smaller.png")
noise.resize((40, 15), Image.Resampling.BILINEAR).save(folder / "noise_larger.png")
