#!/usr/bin/env python3
"""gdb with tutorials/gdb/printers.py on tests/gdb/chain.cpp: test_printers.py plain|optimised PROGRAM. What the optimiser
removed may be missing in an optimised program; nothing may be wrong in any. Exit status 77 where gdb can't run here."""
import pathlib
import re
import shutil
import subprocess
import sys

kind, program = sys.argv[1:]
printers = pathlib.Path(__file__).resolve().parents[2] / "tutorials/gdb/printers.py"
failures = []


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def gdb(*commands):
    """What gdb prints for each command, by command; the same command twice in a row is a list."""
    arguments = ["gdb", "-nx", "-batch", "-iex", "set auto-load safe-path /", "-iex", "set debuginfod enabled off"]
    arguments += ["-iex", "set width 0", "-iex", "set height 0", "-x", str(printers)]
    for command in commands:
        arguments += ["-ex", f"echo \\n@@{command}\\n", "-ex", command]
    result = subprocess.run(arguments + [program], capture_output=True, text=True, encoding="utf-8", timeout=300)
    if re.search("ptrace|Operation not permitted|fork child|Cannot create process", result.stderr):
        skip("gdb may not run programs here: " + result.stderr.strip())
    answers = {}
    # gdb writes some errors to stderr, which belong to no command then.
    for part in result.stdout.split("\n@@")[1:]:
        command, _, answer = part.partition("\n")
        answers.setdefault(command, []).append(re.sub(r"^\$\d+ = ", "", answer.strip()))
    answers["errors"] = [result.stderr]
    return answers


def check(answers, command, *expected, always=False, which=0):
    """Each of `expected` is a part of the answer. In an optimised program the answer may be that it is not there."""
    answer = answers[command][which] if len(answers.get(command, [])) > which else "(no answer)"
    gone = answer == "" or "optimized out" in answer or "(no answer)" == answer
    if kind == "optimised" and not always and gone:
        return
    for part in expected:
        if part not in answer:
            failures.append(f"{command}\n  lacks    {part}\n  it gives {answer}")


if shutil.which("gdb") is None:
    skip("there is no gdb")
if subprocess.run(["gdb", "-nx", "-batch", "-ex", "python print(1)"], capture_output=True, text=True).stdout != "1\n":
    skip("this gdb has no Python")

# The chain, before its backward pass: stopped in a function that main called with its variables.
look = gdb("break look", "run", "up", "p W", "p x", "p y", "p loss", "p tape", "p &x", "p x.value_", "p all", "info skip")
check(look, "p W", "cell.W [H=3, D=2] f64 [[1 0] [0 2] [0.5 0.5]]")
check(look, "p x", "[B=2, D=2] f64 [[0.5 -0.25] [0 1]] (slot 0)")
check(look, "p y", "[B=2, H=3] f64 [[0.4621 -0.4621 0.1244] [0 0.964 0.4621]] (slot ")
check(look, "p loss", "[] f64 ", "(slot ")
check(look, "p x.value_", "[B=2, D=2] f64 [[0.5 -0.25] [0 1]]")
for i, line in enumerate(["MatMul (chain.cpp:", "MatMul (chain.cpp:", "Tanh (chain.cpp:", "RnnSequence (chain.cpp:"]):
    check(look, "p tape", "records, recording)", f"[{i}] = {line}")
check(look, "p tape", ", t=0),", ", t=1),")
check(look, "info skip", "Tensor", always=True)

# In a record's backward: one breakpoint, by its unqualified name; this and dy are there from the first line.
tanh_y = "y = [B=2, H=3] f64 [[0.4621 -0.4621 0.1244] [0 0.964 0.4621]] (slot "
ones = "[B=2, H=3] f64 [[1 1 1] [1 1 1]]"
for name in ("Tanh::backward", "unroll::ops::Tanh::backward"):
    back = gdb(f"break {name}", "run", "p *this", "p dy", "p *dy", "p x", "p y", "p *(unroll::Record*)this",
               "p (unroll::Record*)this", "p tape", "info args", "step")
    check(back, f"break {name}", "Breakpoint 1 at", always=True)
    if "locations" in back[f"break {name}"][0]:
        failures.append(f"break {name} is several places: {back[f'break {name}'][0]}")
    for command in ("p *this", "p *(unroll::Record*)this"):
        check(back, command, "Tanh (chain.cpp:", ", t=1)", "x = slot ", tanh_y, "dy = 0x", ones, always=True)
    check(back, "p (unroll::Record*)this", "(unroll::ops::Tanh *) 0x", always=True)
    check(back, "p dy", "0x", ones, always=True)
    check(back, "p *dy", ones, always=True)
    check(back, "p y", tanh_y[4:], always=True)
    check(back, "p x", "slot ", always=True)
    check(back, "p tape", "Tape (", "RnnSequence (chain.cpp:")
    if kind == "plain":
        check(back, "step", "tanh_gradient (")

# A whole-sequence operation, at its first line and once dh is there.
whole = gdb("break RnnSequence::backward", "run", "p *this", "p dh_T", "p dh", "next", "p dh_T", "next", "p dh", "p h")
check(whole, "break RnnSequence::backward", "Breakpoint 1 at", always=True)
check(whole, "p *this", "RnnSequence (chain.cpp:", "x = [T=2, B=1, D=2] f64 [[[0.5 -0.25]] [[0 1]]]", "W_hh = [H=3, H=3] f64",
      "h_0 = [B=1, H=3] f64 [[0 0 0]]", "h = [T=3, B=1, H=3] f64 [[[0 0 0]] [[0.4621 -0.4621 0.1244]] [[0 0.964 0.4621]]]",
      "dy = 0x", "[T=2, B=1, H=3] f64 [[[1 1 1]] [[1 1 1]]]", always=True)
check(whole, "p h", "[T=3, B=1, H=3] f64", always=True)
if kind == "plain":
    check(whole, "p dh_T", "nullptr", which=1)
    check(whole, "p dh", "[B=1, H=3] f64 [[0 0 0]]", which=1)

lstm = gdb("break LstmSequence::backward", "run", "p *this", "p gates", "next", "p dh_T", "p C")
check(lstm, "break LstmSequence::backward", "Breakpoint 1 at", always=True)
check(lstm, "p *this", "LstmSequence (chain.cpp:", "W_hh = [12, H=3] f64", "C = [T=3, B=1, H=3] f64 [[[0 0 0]] [[0 0 0]] [[0 0 0]]]",
      "gates = [T=2, B=1, 12] f64 [[[0.5 0.5 0.5 0.5 0.5 0.5 0 0 0 0.5 0.5 0.5]] [[", always=True)
if kind == "plain":
    check(lstm, "p dh_T", "0x", "[B=1, H=3] f64 [[1 1 1]]")

# What holds nothing, or nonsense, is told and not followed.
bad = gdb("break look", "run", "continue", "up", *(f"p {name}" for name in (
    "ones letters zeros wild too_long negative gone ids var shape parameter saved bad_tape null_pointer bad_pointer *bad_pointer").split()))
for name in "ones letters wild too_long negative ids saved var".split():
    check(bad, f"p {name}", "<not initialised>")
check(bad, "p shape", "<not initialised>")
check(bad, "p parameter", "<not initialised>")
check(bad, "p zeros", "(none)")
check(bad, "p gone", "<released: [3] f32>")
check(bad, "p bad_tape", "<not initialised>")
check(bad, "p null_pointer", "nullptr")
check(bad, "p bad_pointer", "0x10 <not initialised>")
for what in (look, back, whole, lstm, bad):
    if "Traceback" in what["errors"][0] or "Python Exception" in what["errors"][0]:
        failures.append(what["errors"][0])

good = gdb("break look", "run", "continue", "continue", "up", *(f"p {name}" for name in (
    "scalar none no_elements odd large row ids shape").split()))
check(good, "p scalar", "[] f64 0.5")
check(good, "p none", "(none)")
check(good, "p no_elements", "[T=0, 3] f32 []")
check(good, "p odd", "[4] f32 [1e-07 -1e+10 0 NaN]")
check(good, "p large", "[T=30, B=4, H=16] f32 [[[0 1 … 14 15] [16 17 … 30 31] [32 33 … 46 47] [48 49 … 62 63]] … [[1856 1857 … ")
check(good, "p row", "[H=16] f32 [96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111]")
check(good, "p ids", "[T=2, B=2] ids [[1 -100] [3 4]]")
check(good, "p shape", "[T=7, B=3, 5]")

print(*failures, f"{len(failures)} failures ({kind})", sep="\n")
sys.exit(bool(failures))
