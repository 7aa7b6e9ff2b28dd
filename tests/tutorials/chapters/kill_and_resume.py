#!/usr/bin/env python3
"""A training that is killed at arbitrary moments and taken up again ends with the same bits as one that never stopped.

    kill_and_resume.py build/tutorials/01_basic_rnn"""
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)

    def command(run):
        return [program, "--quick", "--steps", "300", "--checkpoint", str(folder / (run + ".checkpoint")),
                "--save", str(folder / (run + ".weights")), "--page", str(folder / (run + ".html"))]

    begin = time.monotonic()
    subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL)
    length = time.monotonic() - begin

    killed = resumed = 0
    while not (folder / "parts.weights").exists():
        if killed == 200:
            sys.exit("200 kills and no end: does the checkpoint move on?")
        before = (folder / "parts.checkpoint").exists()
        process = subprocess.Popen(command("parts"), stdout=subprocess.PIPE, text=True)
        try:
            # Late enough that most runs get to train a little, and never so late that a run always finishes.
            output, _ = process.communicate(timeout=random.uniform(0.2, 0.7) * length)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            killed += 1
        else:
            if process.returncode != 0:
                sys.exit(f"status {process.returncode} after {killed} kills")
        resumed += before
    # Ctrl-C: a checkpoint, status 130 and no page; the same command goes on from there.
    stopped = subprocess.Popen(command("stopped"), stdout=subprocess.PIPE, text=True)
    time.sleep(0.4 * length)
    stopped.send_signal(signal.SIGINT)
    output, _ = stopped.communicate()
    if stopped.returncode != 130 or "stopped after step" not in output or not (folder / "stopped.checkpoint").exists():
        sys.exit(f"Ctrl-C: status {stopped.returncode}, {output[-200:]}")
    if (folder / "stopped.html").exists():
        sys.exit("Ctrl-C: a page was written")
    subprocess.run(command("stopped"), check=True, stdout=subprocess.DEVNULL)
    if (folder / "stopped.weights").read_bytes() != (folder / "whole.weights").read_bytes():
        sys.exit("Ctrl-C: the weights differ from those of the run that was never stopped")
    curves = [re.search(r"<figure(?:(?!</figure>).)*?Learning to predict.*?</figure>", (folder / (run + ".html")).read_text(encoding="utf-8"), re.S)
              for run in ("whole", "stopped")]  # parts: perhaps killed before its page
    if None in curves or curves[0][0] != curves[1][0]:
        sys.exit("the learning curve differs from that of the run that was never stopped")
    print(f"killed {killed} times, resumed from a checkpoint {resumed} times")
    if killed == 0 or resumed == 0:
        sys.exit("nothing was killed, or nothing resumed: the test has tested nothing")
    if (folder / "parts.weights").read_bytes() != (folder / "whole.weights").read_bytes():
        sys.exit("the weights differ from those of the run that was never stopped")
