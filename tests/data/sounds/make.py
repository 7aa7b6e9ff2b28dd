#!/usr/bin/env python3
"""Makes features.safetensors beside this file with NumPy, by whole matrices: a sound and its log-mel features.
Not part of the build: the file is kept."""
import json
import pathlib
import struct

import numpy

rate, window, step, bands, size = 8000, 200, 80, 40, 256
t = numpy.arange(1200) / rate
generator = numpy.random.default_rng(1)
sound = (0.5 * numpy.sin(2 * numpy.pi * (200 + 1500 * t) * t) * numpy.exp(-5 * t)
         + 0.05 * generator.standard_normal(len(t))).astype(numpy.float32)

emphasised = numpy.concatenate((sound[:1], sound[1:] - 0.97 * sound[:-1].astype(numpy.float64)))
hann = numpy.hanning(window + 1)[:-1]
frames = numpy.lib.stride_tricks.sliding_window_view(emphasised, window)[::step] * hann
power = numpy.abs(numpy.fft.rfft(frames, size)) ** 2
mel = numpy.linspace(2595 * numpy.log10(1 + 20 / 700), 2595 * numpy.log10(1 + rate / 2 / 700), bands + 2)
edges = 700 * (10 ** (mel / 2595) - 1)
bins = numpy.arange(size // 2 + 1) * rate / size
rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
weights = numpy.maximum(0, numpy.minimum(rising, falling))
features = numpy.log(numpy.maximum(power @ weights.T, 1e-10))

header, data = {}, b""
for name, array, kind in (("sound", sound, "F32"), ("features", features, "F64")):
    header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
    data += array.tobytes()
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(pathlib.Path(__file__).parent / "features.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
