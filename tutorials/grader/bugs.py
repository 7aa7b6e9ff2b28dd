"""Plants the bugs of a chapter: bugs.py SOLUTION BUGS LIST OUTPUT...

Each [[bug]] of BUGS (TOML: exercise, find, replace, diagnosis) becomes one OUTPUT: SOLUTION with `find`, which must occur
exactly once, replaced by `replace`. LIST gets a line of JSON for each: its exercise and diagnosis."""
import json
import sys
import tomllib

solution, bugs, listing, *outputs = sys.argv[1:]
with open(solution, encoding="utf-8") as file:
    text = file.read()
with open(bugs, "rb") as file:
    planted = tomllib.load(file)["bug"]
if len(planted) != len(outputs):
    sys.exit(f"{bugs}: {len(planted)} bugs, but [[bug]] occurs {len(outputs)} times")
with open(listing, "w", encoding="utf-8") as file:
    for i, (bug, output) in enumerate(zip(planted, outputs), 1):
        if set(bug) != {"exercise", "find", "replace", "diagnosis"}:
            sys.exit(f"{bugs}: bug {i} needs exercise, find, replace and diagnosis; it has {', '.join(bug)}")
        if text.count(bug["find"]) != 1:
            sys.exit(f"{bugs}: bug {i} ({bug['diagnosis']}): its find occurs {text.count(bug['find'])} times")
        file.write(json.dumps({"exercise": bug["exercise"], "diagnosis": bug["diagnosis"]}) + "\n")
        with open(output, "w", encoding="utf-8") as source:
            source.write(text.replace(bug["find"], bug["replace"]))
