#!/usr/bin/env python3
"""test_conformance.py PROGRAM: the conformance program on all cases beside this file, in both types, and on damaged ones:
its lines, its exit status, and that it can fail."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

RECURRENT = {"rnn", "lstm", "gru", "textbook_rnn", "textbook_lstm", "textbook_coupled_lstm", "textbook_peephole_lstm",
             "textbook_gru"}  # as whole sequences and step by step
program = sys.argv[1]
cases = sorted((pathlib.Path(__file__).parent / "cases").glob("*.safetensors"))
failures = 0


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print("FAILED:", what)


def run(*arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def read(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + length]), bytearray(raw[8 + length:])


kinds = {path: read(path)[0]["__metadata__"]["kind"] for path in cases}
for dtype in ("f64", "f32"):
    recurrent = [path for path in cases if kinds[path] in RECURRENT]
    status, lines, _ = run("--dtype", dtype, *cases)
    composed_status, composed_lines, _ = run("--dtype", dtype, "--composed", *recurrent)
    check(status == composed_status == 0 and len(lines) == len(cases) and len(composed_lines) == len(recurrent),
          f"{dtype}: exit status {status}, composed {composed_status}")
    for path, line in zip(cases + recurrent, lines + composed_lines):
        check(re.fullmatch(re.escape(f"PASS {path} {kinds[path]} max_rel_err=") + r"[0-9.e+-]+", line), line)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)

    def damaged(name, change):
        """A case with its header or numbers changed, and what is said about it, whose file must be named."""
        header, data = read(pathlib.Path(__file__).parent / "cases" / name)
        change(header, data)
        text = json.dumps(header).encode()
        path = folder / "damaged.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
        status, lines, _ = run(cases[0], path, cases[0])  # the others are judged all the same
        check(status == 1 and len(lines) == 3 and lines[2] == lines[0] and lines[0].startswith("PASS"), lines)
        check(lines[1].startswith(f"FAIL {path} "), lines[1])
        return lines[1][len(f"FAIL {path} "):]

    def off(tensor, factor):
        """Multiplies the largest number of a tensor."""
        def change(header, data):
            begin, end = header[tensor]["data_offsets"]
            numbers = list(struct.unpack(f"<{(end - begin) // 8}d", data[begin:end]))
            largest = max(range(len(numbers)), key=lambda i: abs(numbers[i]))
            numbers[largest] *= factor
            data[begin:end] = struct.pack(f"<{len(numbers)}d", *numbers)
        return change

    # The tolerances: 1e-10 for outputs, 1e-9 for gradients.
    check(re.fullmatch(r"cross_entropy out\.loss_sum rel_err=2\.?0*e-10",
                       damaged("cross_entropy.safetensors", off("out.loss_sum", 1 + 2e-10))), "an output off by 2e-10")
    check(damaged("cross_entropy.safetensors", off("grad.in.logits", 1 + 2e-9)).startswith(
        "cross_entropy grad.in.logits rel_err=2"), "a gradient off by 2e-9")
    check(damaged("adam.safetensors", off("in.grad2", -1)).startswith("optimizer out.p"), "another gradient")
    check(damaged("adam.safetensors", off("in.p", float("nan"))).startswith("optimizer out.p0 rel_err=nan"), "NaN")
    for name, missing, expected in (("adam.safetensors", "in.grad3", "optimizer"), ("adam.safetensors", "in.p", "optimizer"),
                                    ("embedding.safetensors", "in.ids", "embedding"),
                                    ("embedding.safetensors", "param.weight", "embedding")):
        def remove(header, data):
            header["spare"] = header.pop(missing)
        message = damaged(name, remove)
        check(message.startswith(expected) and missing in message, message)

    def add_output(header, data):
        header["out.p7"] = header.pop("out.p4")
    check(damaged("adam.safetensors", add_output) == "optimizer out.p7 was not computed", "an unknown output")

    def reshape(header, data):
        header["out.p1"]["shape"] = [4, 3]
    check("out.p1 is [3, 4], expected [4, 3]" in damaged("adam.safetensors", reshape), "another shape")

    def set_metadata(key, value):
        def change(header, data):
            header["__metadata__"][key] = value
        return change
    for key, value in (("kind", "lstm_of_a_new_kind"), ("name", "lion"), ("lr", "fast"), ("betas", "0.9"), ("lr", "-1"),
                       ("amsgrad", "perhaps"), ("steps", "2.5"), ("betas", "(0.9,)")):
        message = damaged("adam.safetensors", set_metadata(key, value))
        check(value in message or key in message, message)

    def remove_kind(header, data):
        del header["__metadata__"]["kind"]
    check("kind" in damaged("adam.safetensors", remove_kind), "no kind")

    (folder / "empty").write_bytes(b"")
    (folder / "cut").write_bytes(cases[0].read_bytes()[:-1])
    for path in (folder / "empty", folder / "cut", folder / "nothing", folder):
        status, lines, _ = run(path)
        check(status == 1 and len(lines) == 1 and lines[0].startswith(f"FAIL {path} "), lines)

for arguments in ((), ("--dtype",), ("--dtype", "f16", cases[0]), ("--help", cases[0]), ("--dtype", "f64")):
    status, lines, error = run(*arguments)
    check(status == 2 and not lines and error.startswith("usage: "), arguments)

print(f"{len(cases)} cases in 2 types, {failures} failures")
sys.exit(failures != 0)
