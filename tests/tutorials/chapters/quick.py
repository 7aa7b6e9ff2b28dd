#!/usr/bin/env python3
"""Runs a chapter as its readers do: quickly, stepped through, and with wrong words; looks at what it prints and writes.

    quick.py build/tutorials/NN_name"""
import html.parser
import pathlib
import re
import subprocess
import sys
import tempfile

program = sys.argv[1]
problems = []


def run(*arguments, keys=None):
    return subprocess.run([program, *arguments], input=keys, stdin=subprocess.DEVNULL if keys is None else None,
                          capture_output=True, text=True, timeout=300)


def expect(holds, what):
    if not holds:
        problems.append(what)


class Links(html.parser.HTMLParser):
    """What a page would fetch from elsewhere."""
    outside = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href") and tag != "a" and value and not value.startswith(("data:", "#")):
                self.outside.append(f"<{tag} {name}={value[:60]}>")


with tempfile.TemporaryDirectory(prefix="a folder ") as name:
    folder = pathlib.Path(name)
    page = folder / "page.html"

    quick = run("--quick", "--page", str(page))
    expect(quick.returncode == 0, f"--quick: status {quick.returncode}: {quick.stderr.strip()[-300:]}")
    expect(quick.stdout.rstrip().split("\n")[-1] == str(page), "the last line is not the page's path")
    expect("\x1b" not in quick.stdout, "escapes in what is not a terminal")
    expect(re.search(r"All \d+ checks hold", quick.stdout), "no line says that all checks hold")
    again = run("--quick", "--page", str(page))
    expect(again.stdout == quick.stdout or "/s" in quick.stdout, "a second run says something else")
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    expect(not links.outside, f"the page is not self-contained: {links.outside[:3]}")
    results = dict(re.findall(r"^result (\S+) (\S+)$", quick.stdout, re.MULTILINE))
    expect(run("--quick", "--results", str(folder / "results.json")).returncode == 2, "--results takes a quick run's figures")

    for threads in ("1", "3"):
        same = run("--quick", "--threads", threads, "--page", str(page))
        expect(dict(re.findall(r"^result (\S+) (\S+)$", same.stdout, re.MULTILINE)) == results, f"other results with {threads} threads")

    stepped = run("--quick", "--step", "--page", str(page), keys="n\nn\nb\nt 1\n?\nc\n")
    expect(stepped.returncode == 0, f"--step: status {stepped.returncode}: {stepped.stderr.strip()[-300:]}")
    left = run("--quick", "--step", "--page", str(page), keys="n\nq\n")
    expect(len(left.stdout) < len(quick.stdout), "q does not leave")

    for wrong in (["--no-such-option"], ["--seed", "x"], ["--threads", "0"], ["--threads", "-1"], ["--steps", "-5"],
                  ["--steps", "99999999999999999999"], ["stray"]):
        refused = run(*wrong)
        expect(refused.returncode == 2, f"{wrong}: status {refused.returncode}, expected 2")
        expect("usage" in refused.stderr.lower(), f"{wrong}: no usage line")
    expect(run("--help").returncode == 0, "--help fails")
    nowhere = run("--quick", "--page", str(folder / "none" / "page.html"))
    expect(nowhere.returncode in (0, 1), "a page that can't be written is not an error of one line")

    if "--text" in run("--help").stdout:
        for content, what in ((b"", "empty"), (b"a", "one character"), (b"ab\xff" * 100, "not UTF-8"), (None, "a folder")):
            path = folder / "text"
            if content is None:
                path.unlink()
                path.mkdir()
            else:
                path.write_bytes(content)
            bad = run("--quick", "--text", str(path), "--page", str(page))
            expect(bad.returncode == 1, f"--text, {what}: status {bad.returncode}, expected 1")
            expect(len(bad.stderr.strip().split("\n")) == 1 and "text" in bad.stderr, f"--text, {what}: {bad.stderr.strip()[:200]}")
        own = folder / "own.txt"
        own.write_text("The cat sat on the mat. " * 400)
        expect(run("--quick", "--text", str(own), "--page", str(page)).returncode == 0, "--text with a text of one's own fails")

    if "--checkpoint" in run("--help").stdout:
        for content, what in ((b"", "empty"), (b"no checkpoint" * 20, "of something else"), (None, "a folder")):
            path = folder / "checkpoint"
            if content is None:
                path.unlink()
                path.mkdir()
            else:
                path.write_bytes(content)
            bad = run("--quick", "--checkpoint", str(path), "--page", str(page))
            expect(bad.returncode == 1, f"--checkpoint, {what}: status {bad.returncode}, expected 1")
            expect(len(bad.stderr.strip().split("\n")) == 1 and str(path) in bad.stderr, f"--checkpoint, {what}: {bad.stderr.strip()[:200]}")
            expect(content is None or path.read_bytes() == content, f"--checkpoint, {what}: written over")
        for option in ("--checkpoint", "--save"):
            bad = run("--quick", option, "/dev/null/file", "--page", str(page))
            expect(bad.returncode == 1 and "/dev/null" in bad.stderr, f"{option} that can't be written: {bad.stderr.strip()[:200]}")
            expect("ln V" not in bad.stdout, f"{option} that can't be written is found out after training")

print(*problems, sep="\n")
sys.exit(bool(problems))
