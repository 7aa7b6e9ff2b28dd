#!/usr/bin/env python3
"""The recogniser from the command line: trained, stopped by Ctrl-C, taken up again with the same bits, measured, and given sounds of all kinds.

    test_recognise.py build/tutorials/recognise data/synth-digits"""
import array
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
problems = []


def expect(holds, what):
    if not holds:
        problems.append(what)


def run(*arguments):
    return subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)


def wav(samples, rate=8000, channels=1, bits=16, kind=1):
    return b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack(
        "<IHHIIHH", 16, kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits) + b"data" + struct.pack("<I", len(samples)) + samples


def check(folder):
    def training(where, steps="24"):
        return ["train", "--data", str(data), "--steps", steps, str(folder / where)]

    begin = time.monotonic()
    whole = run(*training("whole"))
    length = time.monotonic() - begin
    expect(whole.returncode == 0 and re.search(r"step +24 .* validation \d", whole.stdout), f"train: {whole.stderr or whole.stdout}")
    stopped = 0
    for attempt in range(20):
        process = subprocess.Popen([program, *training("parts")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep((0.4 + 0.1 * (attempt % 5)) * length)
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
    expect((folder / "parts/model").read_bytes() == (folder / "whole/model").read_bytes(), "another model after Ctrl-C")
    other = run(*training("whole", "25"))
    expect(other.returncode == 1 and "a checkpoint of another run" in other.stderr, f"other steps: {other.stderr}")

    model = folder / "whole"
    evaluated = run("evaluate", "--data", data, "--digits", 20, "--draws", 1, model)
    expect(evaluated.returncode == 0 and len(re.findall(r"^ +(?:clean|-?\d+)  +\d+\.\d\d \(", evaluated.stdout, re.M)) == 7,
           f"evaluate: {evaluated.stderr} {evaluated.stdout}")

    # A reader's own sounds. One second of a tone, which says whatever it says.
    tone = [int(8000 * ((i // 10) % 2 * 2 - 1)) for i in range(44100)]
    pcm = array.array("h", tone).tobytes()
    good = {"plain": wav(pcm[:16000]), "fast": wav(pcm, rate=44100), "stereo": wav(pcm[:32000], channels=2),
            "8": wav(bytes(128 + t // 256 for t in tone[:8000]), bits=8),
            "24": wav(b"".join(struct.pack("<i", t * 256)[:3] for t in tone[:8000]), bits=24),
            "clipped": wav(array.array("h", [32767 if t > 0 else -32768 for t in tone[:8000]]).tobytes()),
            "float": wav(array.array("f", [t / 32768 for t in tone[:8000]]).tobytes(), bits=32, kind=3), "short": wav(pcm[:2])}
    for name, content in good.items():
        (folder / f"{name}.wav").write_bytes(content)
        heard = run("wav", model, folder / f"{name}.wav")
        expect(heard.returncode == 0 and re.fullmatch(r"(\d( \d)*|\(no digits\))\n", heard.stdout), f"wav {name}: {heard}")
    both = run("wav", model, folder / "plain.wav", folder / "fast.wav")
    expect(both.stdout.count(".wav: ") == 2, f"two files: {both}")
    bad = {"none": (wav(b""), "no samples"), "silent": (wav(bytes(16000)), "nothing but silence"), "text": (b"one two three", "is no WAV file"),
           "nan": (wav(struct.pack("<ff", 0.5, float("nan")), bits=32, kind=3), "is not a finite number"), "cut": (wav(pcm)[:1000], "is cut off")}
    for name, (content, told) in bad.items():
        (folder / f"{name}.wav").write_bytes(content)
        heard = run("wav", model, folder / f"{name}.wav")
        expect(heard.returncode == 1 and heard.stderr.startswith(f"recognise: {folder}/{name}.wav: ") and told in heard.stderr
               and heard.stderr.count("\n") == 1, f"wav {name}: {heard}")
    page = run("wav", model, folder / "plain.wav", "--page", folder / "page.html")
    html = (folder / "page.html").read_text(encoding="utf-8") if (folder / "page.html").exists() else ""
    expect(page.returncode == 0 and "<audio" in html and "P(class) at each step" in html, f"--page: {page}")

    for arguments, status in ((["train"], 2), ([], 2), (["wav", model], 2), (["dance", model], 2), (["wav", folder / "no", folder / "plain.wav"], 1),
                              (["evaluate", model, "--weight", "nan"], 2), (["evaluate", model, "--seed", "-1"], 2),
                              (["wav", model, folder / "nothing.wav"], 1), (["evaluate", "--part", "none", model], 1), (["--help"], 0),
                              (["evaluate", "--noise", "brown", model], 2), (["train", "--data", folder, folder / "x"], 1)):
        wrong = run(*arguments)
        expect(wrong.returncode == status, f"{arguments}: status {wrong.returncode}, expected {status}")
        expect(status == 0 or (wrong.stderr.startswith("recognise: ") and wrong.stderr.count("\n") == status and not wrong.stdout), f"{arguments}: {wrong}")
    expect('there is no subcommand "dance"' in run("dance", model).stderr, "an unknown command is not named")
    (folder / "whole/model").write_bytes((folder / "parts/model").read_bytes()[:1000])
    expect(run("wav", model, folder / "plain.wav").returncode == 1, "a truncated checkpoint is read")


os.environ["UNROLL_THREADS"] = "1"
with tempfile.TemporaryDirectory() as name:
    check(pathlib.Path(name))
print(*problems, sep="\n")
sys.exit(bool(problems))
