#!/usr/bin/env python3
"""What README's "How it is built" promises of the sources: no file includes one from a floor above its own, include
paths start at the root, files stay short, and every test is built. Prints what breaks a rule, a line each."""
import pathlib
import re
import sys

NEEDS = {
    "core": {"core"},
    "data": {"core", "data"},
    "nn": {"core", "nn"},
    "models": {"core", "data", "nn", "models"},
    "tutorials": {"core", "data", "nn", "models", "tutorials"},
}
# Inside core, from the ground. On top stands what is not named here: gradcheck, safetensors, printing.
CORE_FLOORS = [
    r"core/kernels/",
    r"core/(tensor|views|shape|storage|arena|ids|error|random|file)\b",
    r"core/(tape|steps|watch|var|record|backprop)\b",
    r"core/ops/",
    r"core/bptt/",
]
LONGEST = 300  # lines, a header and the source of its name together
LONGEST_IN_ALL = 12900  # core, nn and models: lines of code, neither blank nor comment alone

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
root = root if root.is_dir() else root.parents[2]
problems = []


def core_floor(path):
    return next((i for i, floor in enumerate(CORE_FLOORS) if re.match(floor, path)), len(CORE_FLOORS))


lines, code = {}, 0
for folder, needs in NEEDS.items():
    for file in sorted((root / folder).rglob("*.[ch]pp")):
        path = file.relative_to(root).as_posix()
        if path.endswith("/mine.cpp"):  # the reader's
            continue
        text = file.read_text(encoding="utf-8")
        lines.setdefault(path.rsplit(".", 1)[0], []).append(text.count("\n"))
        if folder in ("core", "nn", "models"):
            code += len(re.findall(r"^[ \t]*(?!//)[^ \t\n]", text, re.MULTILINE))
        for include in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
            if not (root / include).is_file():
                problems.append(f"{path}: there is no {include}, seen from the root")
            elif include.split("/")[0] not in needs:
                problems.append(f"{path}: {folder} does not need {include}")
            elif folder == "core" and core_floor(include) > core_floor(path):
                problems.append(f"{path}: {include} is from a floor above")

problems += [f"{stem}: {sum(n)} lines" for stem, n in lines.items() if sum(n) > LONGEST]
if code > LONGEST_IN_ALL:
    problems.append(f"core, nn and models: {code} lines of code, more than {LONGEST_IN_ALL}")
listed = (root / "tests/meson.build").read_text(encoding="utf-8")
for file in sorted((root / "tests").rglob("test_*.cpp")):
    if f"{file.stem}'" not in listed and f"{file.name}'" not in listed:
        problems.append(f"{file.relative_to(root).as_posix()}: not in tests/meson.build")

print(*problems, f"core, nn and models: {code} lines of code", sep="\n")
sys.exit(bool(problems))
