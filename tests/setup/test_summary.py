#!/usr/bin/env python3
"""Chapter 11's text against what it is made of: its map of the book's equations leads to the lines of code that carry
them out, and its answers hold by the chapters' results.json. `test_summary.py --write` makes both anew."""
import json
import pathlib
import re
import shutil
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
chapter = "tutorials/11_summary"
DISPLAYS = 63  # in the book; those of one unrolled network, four of them, are one here


def rows(folder, name):
    lines = (folder / chapter / name).read_text(encoding="utf-8").split("\n")[1:-1]
    return [line.split("\t") for line in lines]


def equations(folder, problems):
    """The map as a table."""
    table = ["| section of the book | equation | line |", "|---|---|---|"]
    for section, tex, file, text in rows(folder, "equations.tsv"):
        lines = (folder / file).read_text(encoding="utf-8").split("\n")
        found = [i + 1 for i, line in enumerate(lines) if text in line]
        if len(found) != 1:
            problems.append(f"{chapter}/equations.tsv: {len(found)} lines of {file} hold \"{text}\", expected one")
            continue
        table.append(f"| {section} | $`{tex}`$ | [{file}:{found[0]}](../../{file}#L{found[0]}) |")
    if len(table) - 2 + 3 != DISPLAYS:
        problems.append(f"{chapter}/equations.tsv: {len(table) - 2} equations found, the book has {DISPLAYS - 3}")
    return "\n".join(table)


def figures(folder):
    named = {}
    for path in sorted(folder.glob("tutorials/[0-9][0-9]_*/results*.json")):
        for name, value in json.loads(path.read_text(encoding="utf-8"))["results"].items():
            named[f"{path.parent.name[:2]}.{name}"] = value
    return named


def advice(folder, problems):
    """The answers whose figures are there; a problem for each that they don't bear out."""
    named, told = figures(folder), []

    def value(name):
        return named[name] if name in named else float(name)

    for question, claim, answer in rows(folder, "advice.tsv"):
        names = re.findall(r"{([^}%]+)%?}", answer) + re.findall(r"\b\d\d\.[a-z]\w*(?:\.\d\w*)?", claim)
        if not all(name in named for name in names):
            continue
        for part in claim.split("; "):
            a, sign, b, *factor = part.split()
            right = value(b) * (value(factor[1]) if factor else 1)
            if not (value(a) < right if sign == "<" else value(a) > right):
                problems.append(f"{chapter}/advice.tsv: {part} does not hold")
        told.append(f"*{question}* " + re.sub(
            r"{([^}%]+)(%?)}",
            lambda m: f"{100 * named[m[1]]:.1f} %" if m[2] else f"{named[m[1]]:.4g}", answer))
    return "\n\n".join(told)


def made(folder, problems):
    text = (folder / chapter / "README.md").read_text(encoding="utf-8")
    for name, part in (("advice", advice(folder, problems)), ("equations", equations(folder, problems))):
        begin = text.index(f"<!-- {name} -->\n") + len(f"<!-- {name} -->\n")
        text = text[:begin] + part + "\n" + text[text.index("<!-- end -->", begin):]
    return text


def problems_of(folder):
    problems = []
    if made(folder, problems) != (folder / chapter / "README.md").read_text(encoding="utf-8"):
        problems.append(f"{chapter}/README.md: not what it is made of: tests/setup/test_summary.py --write")
    return problems


if "--write" in sys.argv:
    (root / chapter / "README.md").write_text(made(root, []), encoding="utf-8")
    sys.exit()

problems = problems_of(root)
# What must be noticed: a line that has moved, one that is there twice or no more, a figure that says otherwise.
with tempfile.TemporaryDirectory() as name:
    copy = pathlib.Path(name)
    for file in {chapter + "/README.md", chapter + "/advice.tsv", chapter + "/equations.tsv",
                 *(row[2] for row in rows(root, "equations.tsv")),
                 *(path.relative_to(root).as_posix() for path in root.glob("tutorials/*/results*.json"))}:
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, copy / file)
    if problems_of(copy) != problems:
        problems.append("a copy of the files has other problems")
    for file, change in (("nn/rnn.cpp", lambda t: "\n" + t), ("nn/gru.cpp", lambda t: t + t),
                         ("nn/lstm.cpp", lambda t: t.replace("kept + written", "written + kept")),
                         ("tutorials/03_gru/results.json", lambda t: t.replace('"austen_nats_gru_before": 1', '"austen_nats_gru_before": 9'))):
        before = (copy / file).read_text(encoding="utf-8")
        (copy / file).write_text(change(before), encoding="utf-8")
        if len(problems_of(copy)) <= len(problems):
            problems.append(f"a change of {file} is not noticed")
        (copy / file).write_text(before, encoding="utf-8")
print(*problems, sep="\n")
sys.exit(bool(problems))
