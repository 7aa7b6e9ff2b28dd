#!/usr/bin/env python3
"""The translator's program: stopped by Ctrl-C and started again it ends with the same bytes; it translates, scores and
evaluates; what can't be used is one line.

    test_translate.py build/tutorials/translate"""
import pathlib
import signal
import subprocess
import sys
import tempfile

program = sys.argv[1]
problems = []


def expect(holds, what):
    if not holds:
        problems.append(what)


def run(*arguments, stdin=""):
    return subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=300)


with tempfile.TemporaryDirectory() as name:
    root = pathlib.Path(name)
    (root / "mine").mkdir()
    words = {"one": "eins", "two": "zwei", "three": "drei", "four": "vier", "five": "fünf", "six": "sechs"}
    pairs = [f"{a} and {b} and {a}\t{words[a]} und {words[b]} und {words[a]}\n" for a in words for b in words]
    for part in ("train", "valid", "test"):
        (root / "mine" / f"{part}.tsv").write_text("".join(pairs), encoding="utf-8")

    def train(folder, *more):
        return [program, "train", str(root / folder), "--data", str(root), "--set", "mine", "--steps", "60", *more]

    subprocess.run(train("whole"), check=True, stdout=subprocess.DEVNULL)
    stopped = 0
    for delay in (0.4, 0.6, 0.8, 1.2, 1.6, 2.4, None):
        process = subprocess.Popen(train("parts"), stdout=subprocess.PIPE, text=True)
        try:
            output, _ = process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=300)
        if process.returncode == 0 and "goes on from" in output:
            stopped += 1
        expect(process.returncode in (0, -signal.SIGINT), f"status {process.returncode} after {delay} s: {output}")
    expect(stopped > 0, "no run was stopped with a checkpoint: the test has tested nothing")
    for file in ("model", "source.bpe", "target.bpe", "source.vocabulary", "target.vocabulary"):
        expect((root / "parts" / file).read_bytes() == (root / "whole" / file).read_bytes(), f"{file} differs")

    lines = run("line", root / "whole", stdin="two and five\n\nsix and one\n")
    expect(lines.returncode == 0 and lines.stdout.count("\n") == 3 and lines.stdout.split("\n")[1] == "", str(lines))
    greedy = run("line", root / "whole", "--beam", 1, stdin="two and five\n")
    expect(greedy.returncode == 0 and greedy.stdout.count("\n") == 1, str(greedy))
    scored = run("score", root / "whole", stdin="two and five\tzwei und fünf\n")
    numbers = [float(line.split()[0]) for line in scored.stdout.splitlines()]
    expect(scored.returncode == 0 and len(numbers) > 2 and abs(sum(numbers[:-1]) - numbers[-1]) < 1e-3, str(scored))
    evaluated = run("evaluate", root / "whole", "--data", root, "--set", "mine")
    last = evaluated.stdout.strip().split("\n")[-1]
    expect(evaluated.returncode == 0 and last.startswith("BLEU = ") and "nrefs:1" in last, str(evaluated))
    expect(float((last.split() + ["0"] * 3)[2]) > 5, f"60 steps have taught it nothing: {last}")

    (root / "mine" / "train.tsv").write_text("one eins\n")
    for status, arguments in [(2, []), (2, ["train"]), (2, ["line", root / "whole", "--beam", "0"]), (2, ["what", root]),
                              (1, ["line", root / "none"]), (1, ["train", root / "bad", "--data", root, "--set", "mine"]),
                              (1, ["evaluate", root / "whole", "--data", root, "--set", "mine", "--part", "none"])]:
        result = run(*arguments)
        expect(result.returncode == status and result.stdout == "" and result.stderr.startswith("translate: ")
               and result.stderr.count("\n") == status, f"{arguments}: {result}")
    result = run("score", root / "whole", stdin="no tab\n")
    expect(result.returncode == 1 and result.stderr.count("\n") == 1, str(result))
    (root / "parts" / "model").write_bytes((root / "whole" / "model").read_bytes()[:1000])
    result = run("line", root / "parts", stdin="x\n")
    expect(result.returncode == 1 and "model" in result.stderr and result.stderr.count("\n") == 1, str(result))

print(*problems, sep="\n")
sys.exit(bool(problems))
