#!/usr/bin/env python3
"""Makes what the fuzz targets begin with, corpus/TARGET/*: small files as each reader wants them, most of them the first
lines of real ones. Not part of the build: they are kept. Pictures are in tests/data/pictures."""
import json
import pathlib
import struct

here = pathlib.Path(__file__).resolve().parent
root = here.parents[1]


def write(name, content):
    file = here / "corpus" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def lines(path, n, first=0):
    with open(root / path, encoding="utf-8") as file:
        return "".join(file.readlines()[first:first + n])


def safetensors(metadata, **tensors):
    kinds = {"F32": "f", "F64": "d", "I64": "q", "I32": "i"}
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}{kinds[dtype]}", *values)
        header[name.replace("__", ":")] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


weights = safetensors({"by": "hand"}, W=("F32", [2, 3], [1, 2, 3, 4, 5, float("nan")]), d=("F64", [], [0.5]),
                      ids=("I64", [2], [7, -1]), short=("I32", [1, 1, 1], [9]), none=("F32", [0, 4], []))
write("safetensors/weights", weights)
write("safetensors/empty", struct.pack("<Q", 2) + b"{}")
state = {"optimizer": "sgd", "generator": "1 2 3", "configuration:rate": "0.5"}
run = {"W": ("F32", [1, 2], [1, 2]), "b": ("F32", [1], [3]), "optimizer__lr": ("F64", [], [0.1]),
       "optimizer__W:steps": ("F64", [], [1]), "optimizer__W:momentum": ("F32", [1, 2], [0, 1]),
       "optimizer__b:steps": ("F64", [], [1]), "optimizer__b:momentum": ("F32", [1], [2]),
       "number__step": ("F64", [], [12]), "tensor__state": ("F32", [1, 1], [5])}
write("checkpoint/run", safetensors(state, **run))
numbers = {"size": "12", "dropout": "0.25", "tied": "1", "dtype": "0"}
write("options/model", safetensors({"configuration:" + name: value for name, value in numbers.items()}))
write("vocabulary/words", "vocabulary: a token on every line\nthe\n\\s\n\\n\na\\\\b\n<unk>\nend of the vocabulary\n")
write("bpe/pairs", "byte-pair encoding: characters, then pairs in the order they are merged\n"
      "\u2581 a b ä\na b\n\u2581 ab\n\u2581ab ä\nend\n")
write("utf8/words", "\ufeffÄpfel, naïve \"words\": 1,234.5 don't – 猫\r\nsecond line\u00a0x 🙂\n")
write("text/austen", lines("data/austen/train.txt", 12))
write("words/austen", lines("data/austen/valid.txt", 12))
write("word_ids/three", b"the\ncat\n<unk>\n\0\0\0\1\0\2\0\1\0")
write("pairs/names", lines("data/cldr-names/train.tsv", 6))
write("pairs/manythings", "Go.\tGeh.\tCC-BY 2.0 (France)\nHi!\tHallo!\tCC-BY\n")
write("pairs/interface", lines("data/ui-en-de/train.tsv", 4))
write("captions/emoji.tsv", lines("data/emoji-captions/captions.tsv", 4))
write("captions/flickr.txt", "b.jpg#0\tA dog , a \"big\" one\r\na#1.jpg#0\tun café \nb.jpg#1\ttwo\n")
write("captions/flickr.csv", "image,caption\nb.jpg,\"A dog , a \"\"big\"\" one\"\n\"a,b.jpg\",\"one,\ntwo\"\nb.jpg,two\n")
write("captions/coco.json", '{"images": [{"id": 7, "file_name": "b.jpg"}, {"id": 3, "file_name": "a.jpg"}],\n'
      '"annotations": [{"image_id": 3, "caption": "un caf\\u00e9"}, {"image_id": 7, "caption": "A \\"big\\" one"}]}\n')
write("captions/karpathy.json", '{"dataset": "coco", "images": [{"filename": "1.jpg", "filepath": "val", "split": '
      '"restval", "sentences": [{"raw": "x"}, {"raw": "y"}]}, {"filename": "2", "split": "test", "sentences": '
      '[{"raw": "z"}]}]}\n')


def wav(bits, channels, rate, data, kind=1):
    width = bits // 8 * channels
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * width, width, bits) + b"data" +
            struct.pack("<I", len(data)) + data)


wave = [int(10000 * ((i * 7 % 23) / 11 - 1)) for i in range(200)]
write("sound/16.wav", wav(16, 1, 8000, struct.pack("<200h", *wave)))
write("sound/stereo.wav", wav(16, 2, 44100, struct.pack("<60h", *wave[:60])))
write("sound/8.wav", wav(8, 1, 8000, bytes(x % 256 for x in wave[:60])))
write("sound/24.wav", wav(24, 1, 16000, bytes(x % 256 for x in wave[:60])))
write("sound/float.wav", wav(32, 1, 8000, struct.pack("<20f", *[x / 20000 for x in wave[:20]]), 3))
write("sound/mu_law.wav", wav(8, 1, 8000, bytes(x % 256 for x in wave[:60]), 7))
write("sound/adpcm.wav", b"RIFF" + struct.pack("<I", 100) + b"WAVEfmt " + struct.pack(
    "<IHHIIHHHH", 20, 0x11, 1, 8000, 4055, 256, 4, 2, 505) + b"fact" + struct.pack("<II", 4, 505) + b"data" +
      struct.pack("<I", 256) + bytes(x % 256 for x in wave) + bytes(56))
