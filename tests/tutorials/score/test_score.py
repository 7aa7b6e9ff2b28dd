#!/usr/bin/env python3
"""build/tutorials/score on files as readers have them: the scores of data/metric-vectors, line ends, marks and bytes of
every kind, options, misuse.

    test_score.py build/tutorials/score"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

program = sys.argv[1]
vectors = pathlib.Path(__file__).resolve().parents[3] / "data/metric-vectors"
problems = []
folder = None


def run(*arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=300)


def write(name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def expect(holds, what):
    if not holds:
        problems.append(what)


def score(*arguments):
    """The object that --json prints."""
    result = run(*arguments, "--json")
    expect(result.returncode == 0, f"{arguments}: status {result.returncode}: {result.stderr}")
    return json.loads(result.stdout or '{"score": -1}')


def fails(status, message, *arguments):
    """One line on standard error; a usage after it where the status is 2."""
    result = run(*arguments)
    said = re.sub(r"\(\w+\.cpp:\d+\)", "(HERE)", result.stderr.replace(str(folder) + "/", ""))
    if status == 2:
        expect("usage: score bleu HYP REF" in said and result.stdout == "", f"{arguments}: no usage: {said}")
    else:
        expect(said == message + "\n" and result.stdout == "", f"{arguments}: said {said!r}, expected {message!r}")
    expect(result.returncode == status, f"{arguments}: status {result.returncode}, expected {status}: {said}")


def every_set():
    """BLEU of each set as files, with the options that sacreBLEU's command line has for it."""
    sets = {}
    for line in (vectors / "segments.tsv").read_text(encoding="utf-8").splitlines():
        name, _, *texts = line.split("\t")
        sets.setdefault(name, []).append(texts)
    files = {name: [write(f"{name}.{i}", "".join(row[i] + "\n" for row in rows)) for i in range(len(rows[0]))]
             for name, rows in sets.items()}
    for line in (vectors / "bleu.tsv").read_text(encoding="utf-8").splitlines():
        name, options, expected, penalty, *_ = line.split("\t")
        if "intl" in options:
            continue
        words = []
        for option in options.split(",") if options != "default" else []:
            key, value = option.split("=")
            words += ["--lowercase"] if key == "lowercase" else [f"--{key.replace('_', '-')}", value]
        got = score("bleu", *files[name], *words)
        expect(abs(got["score"] - float(expected)) <= 1e-9 and abs(got["brevity_penalty"] - float(penalty)) <= 1e-9,
               f"{name} {options}: {got}, expected {expected}")
    return files


with tempfile.TemporaryDirectory(prefix="a folder ") as name:
    folder = pathlib.Path(name)
    files = every_set()

    readme = run("bleu", *files["sb-readme"])
    expect(readme.stdout.splitlines()[-1] == "BLEU = 48.5308 nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:unroll",
           f"the last line is {readme.stdout!r}")
    got = score("bleu", *files["sb-readme"])
    expect([got["name"], got["matches"], got["totals"]] == ["BLEU", [14, 7, 5, 3], [17, 14, 11, 8]], f"json: {got}")
    sentences = run("bleu", *files["sb-readme"], "--sentence").stdout.splitlines()
    expect(sentences[:3] == ["100.0000", "14.7940", "29.0715"], f"--sentence: {sentences}")
    expect("|order:2|weights:0.7,0.3|" in score("bleu", *files["sb-readme"], "--max-ngram-order", 2, "--weights", "0.7,0.3")["signature"],
           "weights aren't in the signature")

    # The same text in other clothes.
    lines = ["The cat sat on the mat.", "Ça va, déjà?", "", "a b c d"]
    plain, reference = write("plain", "\n".join(lines) + "\n"), write("reference", "The cat is on the mat.\nÇa va bien, déjà?\nx\na b c\n")
    right = score("bleu", plain, reference)
    for kind, content in {"CR LF": "\r\n".join(lines) + "\r\n", "byte order mark": "\ufeff" + "\n".join(lines) + "\n",
                          "both": "\ufeff" + "\r\n".join(lines) + "\r\n", "no last line end": "\n".join(lines),
                          "blanks at line ends": " \t\n".join(lines) + "\n"}.items():
        for arguments in (["--tokenize", "13a"], ["--tokenize", "char"]):
            a = score("bleu", write("other", content), reference, *arguments)
            expect(a == score("bleu", plain, reference, *arguments), f"{kind} {arguments}: {a}")
            b = score("bleu", reference, write("other", content), *arguments)
            expect(b == score("bleu", reference, plain, *arguments), f"{kind} as reference {arguments}: {b}")
    expect(score("rouge", write("other", "\ufeff" + "\r\n".join(lines)), reference) == score("rouge", plain, reference), "rouge: CR LF and mark")

    # Nothing in the lines, or in the files.
    empty_lines = write("empty_lines", "\n\n\n\n")
    for metric in ("bleu", "rouge"):
        expect(score(metric, empty_lines, reference)["score"] == 0, f"{metric} of empty hypotheses")
        expect(score(metric, plain, empty_lines)["score"] == 0, f"{metric} against empty references")
        expect(score(metric, empty_lines, empty_lines)["score"] == 0, f"{metric} of nothing against nothing")
        fails(1, "empty: has no lines", metric, write("empty", ""), reference)
        fails(1, "empty: has no lines", metric, plain, write("empty", b"\xef\xbb\xbf"))
        fails(1, "reference: has 4 lines, short has 3", metric, write("short", "a\nb\nc"), reference)
        fails(1, "long: has 5 lines, plain has 4", metric, plain, reference, write("long", "a\nb\nc\nd\n\n"))
        fails(1, "bad: line 3: byte 5 (0xFF) is not UTF-8", metric, write("bad", b"a\nb\r\n\xff\nd\n"), reference)
        fails(1, "bad: line 4: byte 8 (0xE2) is not UTF-8", metric, plain, write("bad", b"\xc3\xa9\nb\n\nd \xe2\x82"))
        fails(1, "nowhere: can't be opened: No such file or directory", metric, plain, folder / "nowhere")
        fails(1, f"{folder}: can't be read: Is a directory", metric, folder, plain)

    # A line of 10 MB.
    long = write("long", "w" + " ".join(str(i % 977) for i in range(2_600_000)) + "\n")
    expect(abs(score("bleu", long, long)["score"] - 100) < 1e-9, "BLEU of 10 MB against itself")
    expect(abs(score("rouge", long, long, "--types", "1,2")["score"] - 100) < 1e-9, "ROUGE-1 of 10 MB against itself")
    short = write("short", "w0 1 2 3 4\n")
    expect(score("rouge", long, short, "--types", "L")["ROUGE-L"]["recall"] == 100, "ROUGE-L of 10 MB against a short line")
    fails(1, "long: line 1: longest_common_subsequence (HERE): 2600000 and 2600000 tokens are too many", "rouge", long, long, "--types", "L")
    many_ends = write("many_ends", "a. " * 3_400_000 + "\n")
    begin = time.monotonic()
    expect(score("rouge", many_ends, short, "--types", "Lsum", "--sentence-end", "a. ")["score"] == 0, "ROUGE-Lsum of 10 MB of sentence ends")
    expect(time.monotonic() - begin < 60, "the sentence ends of 10 MB take minutes")

    # Small letters are Python's.
    capitals = [c for c in map(chr, range(0x110000)) if c.lower() != c and unicodedata.ucd_3_2_0.category(c) != "Cn"]
    expect(len(capitals) > 800, "few capitals")
    got = score("bleu", write("upper", "\n".join(capitals)), write("lower", "\n".join(c.lower() for c in capitals)), "--lowercase",
                "--tokenize", "none", "--max-ngram-order", 1)
    expect(got["matches"] == [len(capitals)], f"{got['matches']} of {len(capitals)} small letters")

    # ROUGE.
    a, b = write("one", "The cat was found. A dog barked.\nx y\n"), write("two", "A dog barked. The cat was found.\nx z\n")
    got = score("rouge", a, b, "--sentence-end", ". ")
    expect(got["name"] == "ROUGE-1" and abs(got["ROUGE-Lsum"]["f"] - 75) < 1e-9 and got["ROUGE-L"]["f"] < 75, f"sentences: {got}")
    expect("|ends:. |" in got["signature"] and "|ends:" not in score("rouge", a, b)["signature"], f"signature: {got['signature']}")
    with open("/dev/full", "wb") as full:
        for arguments in (["bleu", a, b], ["rouge", a, b, "--json"]):
            bad = subprocess.run([program, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60)
            expect(bad.returncode == 1 and bad.stderr == b"standard output: can't be written\n", f"disk full: {bad}")
    expect(abs(got["ROUGE-1"]["book"] - 75) < 1e-9 and got["ROUGE-2"]["f"] < 75, f"rouge: {got}")
    best = score("rouge", a, b, a, "--types", "L,3")
    expect(best["name"] == "ROUGE-L" and best["score"] == 100 and "ROUGE-3" in best and "ROUGE-1" not in best, f"best reference: {best}")
    expect(run("rouge", a, b).stdout.splitlines()[-1].startswith("ROUGE-1 = "), "rouge's last line")

    # Two systems.
    for metric in ("bleu", "rouge"):
        arguments = [metric, files["own-en"][0], *files["own-en"][1:], "--compare", files["own-en"][1]]
        one = score(*arguments, "--bootstrap", 200)
        expect(one["compared"]["score"] > one["score"] and 0 < one["compared"]["p"] <= 1 and
               one["compared"]["low"] <= one["compared"]["difference"] <= one["compared"]["high"], f"{metric}: {one}")
        expect(one == score(*arguments, "--bootstrap", 200, "--seed", 1), f"{metric}: another result with the same seed")
        expect(one != score(*arguments, "--bootstrap", 200, "--seed", 2), f"{metric}: the same result with another seed")
        i = score(*arguments[:-2], "--bootstrap", 200)
        expect(i["bootstrap"]["low"] <= i["score"] <= i["bootstrap"]["high"], f"{metric}: {i}")

    # Misuse.
    for words in ([], ["bleu"], ["bleu", plain], ["meteor", plain, plain], ["bleu", plain, plain, "--tokenize", "intl"],
                  ["bleu", plain, plain, "--smooth-method", "x"], ["bleu", plain, plain, "--smooth-value", "-1"],
                  ["bleu", plain, plain, "--max-ngram-order", "0"], ["bleu", plain, plain, "--weights", "1,1"],
                  ["bleu", plain, plain, "--bootstrap", "0"], ["bleu", plain, plain, "--unknown"],
                  ["rouge", plain, plain, "--types", "0"], ["rouge", plain, plain, "--types", "007"], ["rouge", plain, plain, "--types", "S"],
                  ["rouge", plain, plain, "--tokenize", "13a"]):
        fails(2, "", *words)
    expect(run("--help").returncode == 0 and "usage: score bleu" in run("bleu", "--help").stdout, "--help")

print(*problems, sep="\n")
sys.exit(bool(problems))
