#!/usr/bin/env python3
"""README.md against what it speaks of: the example is the program that the tests run, the table of measured figures is
made of the chapters' results*.json, and links lead somewhere. `test_readme.py --write` makes example and table anew."""
import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
readme = root / "README.md"
text = readme.read_text(encoding="utf-8")


def table():
    rows = ["| figure | value | command | seed | time | machine |", "|---|---|---|---|---|---|"]
    for path in sorted(root.glob("tutorials/[0-9][0-9]_*/results*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        number = path.parent.name[:2]
        command = " ".join(["tutorials/start", number, *run.get("options", "").split()])
        if not re.search(rf"\b{run['threads']} cores", run["machine"]):  # else what the program does by itself
            command += f" --threads {run['threads']}"
        for name, value in run["results"].items():
            rows.append(f"| {name} | {value:.4g} | `{command}` | {run['seed']} | {run['time']:.0f} s | {run['machine']} |")
    return "\n".join(rows)


def with_part(whole, begin, end, part):
    i = whole.index(begin) + len(begin)
    return whole[:i] + part + whole[whole.index(end, i):]


expected = with_part(text, "```cpp\n", "```", (root / "tests/readme_example.cpp").read_text(encoding="utf-8"))
expected = with_part(expected, "<!-- figures -->\n", "<!-- end -->", table() + "\n")
if "--write" in sys.argv:
    readme.write_text(expected, encoding="utf-8")
    sys.exit()

problems = []
if text != expected:
    problems.append("README.md: the example or the table of figures is not what it is made of: tests/setup/test_readme.py --write")
for page in [readme, *root.glob("tutorials/**/README.md")]:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not link.startswith("http") and not (page.parent / link).exists():
            problems.append(f"{page.relative_to(root)}: {link} leads nowhere")
print(*problems, sep="\n")
sys.exit(bool(problems))
