#!/usr/bin/env python3
"""A captioner from the command line: trained on files of every format, stopped by Ctrl-C, taken up again with the same bits, and used.

    test_captions.py build/tutorials/caption"""
import json
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

program = sys.argv[1]
problems = []


def expect(holds, what):
    if not holds:
        problems.append(what)


def run(*arguments):
    return subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)


def png(path, colour, left):
    """16 x 16 pixels, half of them of this colour."""
    row = b"\0" + (bytes(colour) * 8 + b"\xff" * 24 if left else b"\xff" * 24 + bytes(colour) * 8)
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(row * 16)) + chunk(b"IEND", b""))


with tempfile.TemporaryDirectory(prefix="a folder ") as name:
    folder = pathlib.Path(name)
    pictures = folder / "pictures"
    pictures.mkdir()
    said = {}
    for i in range(20):
        colour = ("red", "green", "blue")[i % 3]
        png(pictures / f"{i}.png", [(220, 30, 30), (20, 200, 40), (30, 40, 230)][i % 3], i % 2 == 0)
        said[f"{i}.png"] = [f"{colour}: {'left' if i % 2 == 0 else 'right'}", f"a {colour} one, there"]

    formats = {
        "token.txt": "".join(f"{file}#{k}\t{text}\n" for file, texts in said.items() for k, text in enumerate(texts)),
        "captions.txt": "image,caption\n" + "".join(f'{file},"{text}"\n' for file, texts in said.items() for text in texts),
        "captions_val.json": json.dumps({"images": [{"id": i, "file_name": file} for i, file in enumerate(said)],
                                         "annotations": [{"image_id": i, "caption": t} for i, f in enumerate(said) for t in said[f]]}),
        "dataset.json": json.dumps({"images": [{"filename": f, "split": ("train", "train", "train", "restval", "val", "test")[i % 6],
                                                "sentences": [{"raw": t} for t in said[f]]} for i, f in enumerate(said)]}),
        "table.tsv": "file\tsplit\tcaption\tbase\tattributes\n" +
                     "".join(f"{f}\t{('train', 'train', 'valid', 'test')[i % 4]}\t{t[0]}\tx\ty\n" for i, (f, t) in enumerate(said.items())),
    }
    for file, content in formats.items():
        (folder / file).write_text(content, encoding="utf-8")
        made = run("train", "--captions", folder / file, "--pictures", pictures, "--size", "16", "--steps", "2", folder / f"of {file}")
        expect(made.returncode == 0 and re.search(r"step +2 +\d+ words  training", made.stdout), f"train, {file}: {made.stderr or made.stdout}")
        judged = run("evaluate", folder / f"of {file}")
        expect(judged.returncode == 0 and "nearest neighbour" in judged.stdout, f"evaluate, {file}: {judged.stderr}")

    def training(where, decay="linear"):
        return ["train", "--captions", str(folder / "dataset.json"), "--pictures", str(pictures), "--size", "16", "--steps", "40",
                "--sampling", decay, str(folder / where)]

    begin = time.monotonic()
    whole = run(*training("whole"))
    length = time.monotonic() - begin
    expect(whole.returncode == 0, f"train: {whole.stderr}")
    stopped = 0
    for attempt in range(20):
        process = subprocess.Popen([program, *training("parts")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep((0.3 + 0.1 * (attempt % 5)) * length)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate()
        if process.returncode == 130:
            stopped += 1
            expect("stopped: the same command goes on from" in output, f"stopped, it says {output[-200:]}")
        elif process.returncode == 0:
            break
        else:
            expect(process.returncode == -signal.SIGINT, f"status {process.returncode}: {error}")  # before training
    expect(stopped > 0, "no run was stopped: the test has tested nothing")
    expect(run(*training("parts")).returncode == 0, "what has ended can't be called again")
    for file in (folder / "whole").iterdir():
        expect((folder / "parts" / file.name).read_bytes() == file.read_bytes(), f"another {file.name} after Ctrl-C")
    other = run(*training("parts", "exponential"))
    expect(other.returncode == 1 and "sampling" in other.stderr and other.stderr.count("\n") == 1, f"another decay: {other.stderr}")

    page = folder / "page.html"
    shown = run("picture", folder / "whole", pictures / "1.png", pictures / "2.png", "--page", page, "--beam", "2")
    expect(shown.returncode == 0 and len(re.findall(r"\.png: .*\(log P -", shown.stdout)) == 2, f"picture: {shown.stderr} {shown.stdout}")
    expect(page.read_text(encoding="utf-8").count("data:image/bmp") > 2, "the page shows no picture")
    plain = run("train", "--captions", folder / "table.tsv", "--pictures", pictures, "--size", "16", "--steps", "2", "--plain", folder / "plain")
    expect(plain.returncode == 0, f"train --plain: {plain.stderr}")
    expect(run("picture", folder / "plain", pictures / "1.png", "--page", page).returncode == 0, "picture of a plain decoder")

    def refused(status, what, *arguments):
        failed = run(*arguments)
        expect(failed.returncode == status and what in failed.stderr and len(failed.stderr.splitlines()) <= status,
               f"{arguments[0]}: status {failed.returncode}: {failed.stderr}")

    (folder / "text.png").write_text("no picture")
    (folder / "lost.txt").write_text("gone.png#0\ta\n" + "".join(f"{i}.png#0\tx\n" for i in range(12)))
    refused(1, "text.png: ", "picture", folder / "whole", folder / "text.png")
    some = run("picture", folder / "whole", pictures / "1.png", folder / "text.png", pictures / "2.png")
    expect(some.returncode == 1 and some.stdout.count("log P") == 2, f"pictures beside a broken one: {some.stdout} {some.stderr}")
    refused(1, "1.png: ", "picture", folder / "whole", pictures / "1.png", "--max-pixels", "100")
    (folder / "all lost.txt").write_text("".join(f"gone{i}.png#0\tx\n" for i in range(12)))
    refused(1, "gone0.png: ", "train", "--captions", folder / "all lost.txt", "--pictures", pictures, "--skip-damaged", folder / "x")
    refused(1, "gone.png: ", "train", "--captions", folder / "lost.txt", "--pictures", pictures, folder / "x")
    kept = run("train", "--captions", folder / "lost.txt", "--pictures", pictures, "--skip-damaged", "--steps", "1", "--size", "8", folder / "x")
    expect(kept.returncode == 0 and "skipped" in kept.stderr and "gone.png" in kept.stderr, f"--skip-damaged: {kept.stderr}")
    refused(1, "no picture of the part nowhere", "evaluate", folder / "whole", "--part", "nowhere")
    refused(1, "none", "evaluate", folder / "none")
    refused(2, "--pictures", "train", "--captions", "x", folder / "y")
    refused(2, "--size", "train", "--size", "7", folder / "y")
    refused(2, "subcommand", "nothing")
    refused(2, "--seed", "train", "--seed", "-1", folder / "y")
    refused(2, "--last-epsilon", "train", "--last-epsilon", "nan", folder / "y")

for problem in problems:
    print("error:", problem)
sys.exit(bool(problems))
