"""Sums up a run of `meson test`: summary.py testlog.json [--verbose]; the last line is `N passed, N failed`."""
import json
import re
import sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    output = test.get("stdout", "") + test.get("stderr", "")
    if "--verbose" in sys.argv:
        print(test.get("stdout", ""), end="")
    cases = re.findall(r"\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed", re.sub(r"\x1b\[[\d;]*m", "", output))
    good = sum(int(p) for p, _ in cases)
    bad = sum(int(f) for _, f in cases)
    if test["result"] == "SKIP":
        skipped += 1
        print(f"{test['name']}:", output.strip().rsplit("\n", 1)[-1])
    elif test["result"] == "OK":
        passed += good or 1
    else:  # a program that ended without a word has failed once
        passed += good
        failed += bad or 1
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(failed > 0 or passed == 0)
