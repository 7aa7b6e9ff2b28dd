#!/usr/bin/env python3
"""The benchmark, with no time judged: every case and table runs on our side, against_pytorch refuses what it doesn't
know, and where PyTorch is there both sides compute the same.

    test_bench.py build/tests/bench"""
import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
program = str(pathlib.Path(sys.argv[1]).resolve())
script = pathlib.Path(__file__).resolve().parent / "against_pytorch"
loader = importlib.machinery.SourceFileLoader("against_pytorch", str(script))
against_pytorch = importlib.util.module_from_spec(importlib.util.spec_from_loader("against_pytorch", loader))
loader.exec_module(against_pytorch)
problems = []


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


def expect(holds, what):
    if not holds:
        problems.append(what)


def bench(*arguments):
    result = run(program, *arguments, "--seconds", "0")
    expect(result.returncode == 0, f"bench {' '.join(arguments)}: status {result.returncode}, {result.stderr}")
    return result.stdout


for kind in [*(f"{kind}-5" for kind in against_pytorch.KINDS), *against_pytorch.TRANSLATORS, "beam4", "wordlm", "caption"]:
    for threads in (1, 3):
        line = json.loads(bench("run", kind, "--threads", str(threads)) or "{}")
        expect(line.get("case") == kind and line.get("threads") == threads, f"{kind}: {line}")
        expect(all(line.get(name, 0) > 0 for name in ("ms", "ms_min", "tokens_per_s", "gflops", "peak", "share", "rss_mb")),
               f"{kind}: {line}")
        expect(line.get("runs", 0) >= 3 and line["ms_min"] <= line["ms"], f"{kind}: {line}")
for kind in against_pytorch.OPERATIONS:
    line = json.loads(bench("run", kind, "--threads", "3") or "{}")
    expect(line.get("case") == kind and line.get("runs", 0) >= 3 and 0 < line["ms_min"] <= line["ms"], f"{kind}: {line}")
    expect(line.get("gflops", 0) > 0 or kind == "ctc", f"{kind}: {line}")
expect("result memory-lstm-7 " in bench("memory", "lstm-7"), "bench memory")
expect("result start " in bench("start"), "bench start")
expect(bench("tokens", "rnn-2").count("\n") >= 13, "bench tokens")

unknown = ["", "lstm", "lstm-", "lstm-0", "lstm--1", "lstm-1x", "lstm-99999999999999999999", "-5", "elman-5", "wordlm-5", "caption-5", "conv2d-64", "ctc-"]
for name in unknown:
    for command in ([program, "run", "--", name], [str(script), "--", name], [str(script), "--json", "rnn-5", name]):
        result = run(*command)
        expect(result.returncode == 2 and "usage: " in result.stderr and result.stdout == "",
               f"{command}: status {result.returncode}, {result.stdout} {result.stderr}")
for command in ("memory", "tokens"):
    expect(run(program, command, "caption").returncode == 2, f"bench {command} of caption")
    expect(run(program, command, "conv2d").returncode == 2, f"bench {command} of an operation")
for wrong in ([], ["--json"], ["rnn-5", "--seconds", "0"], ["rnn-5", "--seconds", "nan"], ["rnn-5", "--seconds", "x"],
              ["rnn-5", "--threads", "0"], ["rnn-5", "--rounds", "2"], ["rnn-5", "--what"]):
    result = run(str(script), *wrong)
    expect(result.returncode == 2 and "usage: " in result.stderr and result.stdout == "",
           f"against_pytorch {wrong}: status {result.returncode}, {result.stdout} {result.stderr}")
result = run(str(script), "--help")
expect(result.returncode == 0 and "usage: " in result.stdout and result.stderr == "", f"--help: {result}")

with tempfile.TemporaryDirectory() as folder:
    result = run(program, "weights", "gru-3", f"{folder}/none/weights.safetensors")
    expect(result.returncode == 1 and result.stderr.count("\n") == 1, f"no such folder: {result}")

against_pytorch.BENCH = program
try:
    environment = against_pytorch.pytorch_environment(1)
except SystemExit:
    print("the comparison of numbers is skipped: PyTorch is not there")
else:
    for kind in against_pytorch.KINDS + against_pytorch.FIXED:
        try:
            against_pytorch.check_same(kind, environment)
        except SystemExit:
            expect(False, f"{kind}: PyTorch computes something else")

print(*problems, sep="\n")
sys.exit(bool(problems))
