#!/usr/bin/env python3
"""A translator and a summariser from the command line: trained, stopped by Ctrl-C, taken up again with the same bits, and used.

    test_pairs.py build/tutorials/translate build/tutorials/summarise"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

problems = []


def expect(holds, what):
    if not holds:
        problems.append(what)


def check(program, folder):
    name = pathlib.Path(program).name
    (folder / "set").mkdir()
    numbers = ["one", "two", "three", "four", "five", "six"]
    for part, tens in (("train", numbers), ("valid", numbers[:3]), ("test", numbers[3:])):
        (folder / "set" / f"{part}.tsv").write_text(
            "".join(f"the number {a} and {b} . it is good\tnumber {a} and number {b}\n" for a in tens for b in numbers), encoding="utf-8")

    def run(*arguments, lines=None):
        return subprocess.run([program, *arguments], input=lines, stdin=subprocess.DEVNULL if lines is None else None,
                              capture_output=True, text=True, timeout=200)

    def training(where):
        return ["train", "--data", str(folder), "--set", "set", "--steps", "60", str(folder / where)]

    begin = time.monotonic()
    whole = run(*training("whole"))
    length = time.monotonic() - begin
    expect(whole.returncode == 0 and re.search(r"step +60 .* validation \d", whole.stdout), f"{name} train: {whole.stderr or whole.stdout}")
    stopped = 0
    for attempt in range(20):
        process = subprocess.Popen([program, *training("parts")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep((0.3 + 0.1 * (attempt % 5)) * length)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate()
        if process.returncode == 130:
            stopped += 1
            expect("stopped: the same command goes on from" in output, f"{name}: stopped, it says {output[-200:]}")
        elif process.returncode == 0:
            break
        else:
            expect(process.returncode == -signal.SIGINT, f"{name}: status {process.returncode}: {error}")  # before training
    expect(stopped > 0, f"{name}: no run was stopped: the test has tested nothing")
    expect(run(*training("parts")).returncode == 0, f"{name}: what has ended can't be called again")
    other = run(*training("parts"), *{"translate": ["--decoder", "fixed"], "summarise": ["--plain"]}[name])
    expect(other.returncode == 1 and "its model is" in other.stderr, f"{name}: another model in the same folder: {other.stderr or other.stdout}")
    for file in (folder / "whole").iterdir():
        expect((folder / "parts" / file.name).read_bytes() == file.read_bytes(), f"{name}: another {file.name} after Ctrl-C")

    model = str(folder / "whole")
    written = run("line", model, lines="the number one and two\n\nthe number Zürich and two\n")
    expect(written.returncode == 0 and written.stdout.count("\n") == 3, f"{name} line: {written.stderr} {written.stdout}")
    expect(written.stdout.split("\n")[1] == "", f"{name} line: an empty one gives {written.stdout}")
    greedy = run("line", "--beam", "1", model, lines="the number one and two\n")
    expect(greedy.returncode == 0, f"{name} line --beam 1: {greedy.stderr}")
    scored = run("score", model, lines="the number one and two\tnumber one and number two\n")
    rows = scored.stdout.split("\n")[:-1]
    values = [float(row.split()[0]) for row in rows]
    expect(scored.returncode == 0 and rows[-2].split()[1] == "<eos>" and rows[-1].endswith("log P"), f"{name} score: {scored.stdout}")
    expect(abs(sum(values[:-1]) - values[-1]) < 1e-3, f"{name} score: the words don't add up to log P: {values}")
    evaluated = run("evaluate", "--data", str(folder), "--set", "set", model)
    last = re.match(r"(?:BLEU|ROUGE-1/2/L) = ([\d.]+)", evaluated.stdout.rstrip().split("\n")[-1])
    expect(evaluated.returncode == 0 and last and float(last[1]) > 5, f"{name} evaluate: {evaluated.stderr} {evaluated.stdout[-200:]}")
    part = run("evaluate", "--data", str(folder), "--set", "set", "--part", "valid", model)
    expect(part.returncode == 0 and part.stdout != evaluated.stdout, f"{name} evaluate --part valid: {part.stderr}")

    judged = run("evaluate", "--data", str(folder), model)
    expect(judged.stdout == evaluated.stdout, f"{name} evaluate without --set: {judged.stderr} {judged.stdout[-200:]}")

    # The reader's own pairs, as files come: CRLF, a byte order mark, further fields.
    own = {"a": "\ufeff" + "".join(f"the number {a} is good\tnumber {a}\tCC-BY\r\n" for a in numbers), "b": "number one\tone\n",
           "empty": "", "no_tab": "the number one\n", "no_source": "\tone\n"}
    for file, text in own.items():
        (folder / f"{file}.tsv").write_bytes(text.encode())
    (folder / "broken.tsv").write_bytes(b"one\tone\n\xff\ttwo\n")

    def own_training(train, valid, where):
        return run("train", "--steps", "2", "--train", str(folder / train), "--valid", str(folder / valid), str(folder / where))

    first = own_training("a.tsv", "b.tsv", "own")
    expect(first.returncode == 0 and "6 pairs" in first.stdout, f"{name} --train --valid: {first.stderr}")
    single = own_training("b.tsv", "b.tsv", "single")
    expect(single.returncode == 0 and "1 pairs" in single.stdout, f"{name}: one pair: {single.stderr}")
    unset = run("evaluate", str(folder / "own"))
    expect(unset.returncode == 1 and "--set" in unset.stderr, f"{name} evaluate of one's own: {unset.stderr} {unset.stdout[-200:]}")
    alone = run("train", "--train", str(folder / "a.tsv"), str(folder / "alone"))
    expect(alone.returncode == 2 and "--valid" in alone.stderr, f"{name}: --train alone: {alone.stderr}")
    for file, told in (("empty", "is empty"), ("no_tab", "line 1: 1 of the 2 fields"), ("no_source", "line 1: field 1 is empty"),
                       ("broken", "line 2: byte 8 (0xFF) is not UTF-8"), ("none", "can't be opened")):
        bad = own_training(f"{file}.tsv", "b.tsv", "bad")
        expect(bad.returncode == 1 and f"{file}.tsv: {told}" in bad.stderr and bad.stderr.count("\n") == 1, f"{name} {file}: {bad.stderr}")

    # Standard input is read as files are.
    def bytes_in(command, lines, **more):
        return subprocess.run([program, command, model], input=lines, timeout=200, **({"capture_output": True} | more))

    plain = bytes_in("line", b"the number one and two\nthe number one and two\n")
    for lines in (b"\xef\xbb\xbfthe number one and two\r\nthe number one and two", b"the number one and two\r\nthe number one and two\r\n"):
        expect(bytes_in("line", lines).stdout == plain.stdout, f"{name} line: {lines} is not what it is without CR and mark")
    expect(bytes_in("line", b"").stdout == b"", f"{name} line: nothing in gives something")
    for lines in (b"\xef\xbb\xbfthe number one and two\tnumber one and number two\tCC-BY\r\n", b"the number one and two\tnumber one and number two\tby\tme"):
        expect(bytes_in("score", lines).stdout.decode() == scored.stdout, f"{name} score: {lines}: {bytes_in('score', lines)}")
    good = b"the number one\tone\n"
    for command, lines, told in (("line", b"one\n\xff\n", "line 2: "), ("score", good + b"x\xff\ty\n", "line 2: "), ("score", good + b"no tab\n", "line 2: "),
                                 ("score", good + good + b"\tone\n", "line 3: "), ("score", b"\n", "line 1: "), ("line", b"\n\n\xc3\n", "line 3: ")):
        bad = bytes_in(command, lines)
        error = bad.stderr.decode()
        expect(bad.returncode == 1 and error.startswith(f"{name}: standard input: {told}") and error.count("\n") == 1, f"{name} {command} {lines}: {error}")
    with open("/dev/full", "wb") as full:
        for command, lines in (("line", b"the number one\n"), ("score", good)):
            bad = bytes_in(command, lines, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            expect(bad.returncode == 1 and b"standard output: can't be written" in bad.stderr, f"{name} {command}, disk full: {bad}")

    for arguments, status in ((["train"], 2), ([], 2), (["line", model, "--beam", "0"], 2), (["dance", model], 2),
                              (["train", model, "--seed", "-1"], 2), (["line", model, "--exponent", "nan"], 2),
                              (["line", str(folder / "nowhere")], 1), (["score", model], 1), (["--help"], 0),
                              (["evaluate", "--data", str(folder), "--set", "nothing", model], 1),
                              (["evaluate", "--data", str(folder), "--set", "set", "--part", "none", model], 1)):
        wrong = run(*arguments, lines="no tab in this line\n")
        expect(wrong.returncode == status, f"{name} {arguments}: status {wrong.returncode}, expected {status}")
        expect(status == 0 or (wrong.stderr.startswith(f"{name}: ") and wrong.stderr.count("\n") == status and not wrong.stdout),
               f"{name} {arguments}: {wrong}")
    other = run("train", "--data", str(folder), "--set", "set", "--steps", "61", model)
    expect(other.returncode == 1 and "a checkpoint of another run" in other.stderr, f"{name}: other steps: {other.stderr}")
    (folder / "whole/model").write_bytes((folder / "parts/model").read_bytes()[:1000])
    expect(run("line", model, lines="x\n").returncode == 1, f"{name}: a truncated checkpoint is read")


os.environ["UNROLL_THREADS"] = "1"
for program in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as name:
        check(program, pathlib.Path(name))
print(*problems, sep="\n")
sys.exit(bool(problems))
