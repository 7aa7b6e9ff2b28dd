#!/usr/bin/env bash
# tutorials/start, tests/run and their set-up, run on a house of one small chapter in a folder whose name has a space. What would
# touch the machine (apt-get, sudo, gdb) is a stand-in that writes down how it was called.
set -euo pipefail
source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
house="$scratch/a house"
start="$house/tutorials/start"
calls="$scratch/calls"
unset CI CXX

# --- the house --------------------------------------------------------------------------------------------------------
mkdir -p "$house/tutorials/00_small" "$house/tutorials/01_other" "$house/tutorials/gdb" "$scratch/fakes"
mkdir "$house/tests"
cp "$source_root"/tutorials/{start,setup.sh} "$house/tutorials"
cp "$source_root"/tests/{run,summary.py} "$house/tests"
cat >"$house/meson.build" <<'END'
project('house', 'cpp')
fs = import('fs')
subdir('tutorials')
subdir('tests')
END
cat >"$house/tests/meson.build" <<'END'
sh = find_program('sh')
test('one', sh, args: ['-c', 'echo not shown'], suite: 'unit')
test('cases', sh, args: ['-c', 'echo "[doctest] test cases:  5 |  5 passed | 0 failed | 9 skipped"'], suite: 'unit')
test('rows', sh, args: ['-c', 'echo "tanh 1e-12"'], suite: 'gradcheck')
test('broken', sh, args: ['-c', '! test -e broken'], workdir: meson.project_source_root(), suite: 'exercise')
test('broken_case', sh, suite: 'exercise', workdir: meson.project_source_root(),
     args: ['-c', 'test -e broken || exit 0; echo "[doctest] test cases: 9 | 7 passed | 2 failed"; echo why; exit 1'])
END
cat >"$house/tutorials/meson.build" <<'END'
executable('00_small', '00_small/tutorial.cpp')
executable('01_other', '01_other/tutorial.cpp')
if fs.exists('00_small/mine.cpp')
  executable('00_small_mine', '00_small/mine.cpp', build_by_default: false)
endif
reader = meson.project_build_root() / 'reader.cpp'
if fs.exists(reader)
  executable('gradcheck', reader, build_by_default: false)
endif
END
echo 'void set_up_printers();' >"$house/tutorials/gdb/printers.py"
# program NAME: says its name and what it was given, a line each; --wait waits for a line.
program() {
    cat <<END
#include <cstdio>
#include <cstring>
#include <fcntl.h>
int main(int n, char** a) {
    setbuf(stdout, nullptr);
    puts("$1");
    while (*++a) {
        puts(*a);
        if (strcmp(*a, "--wait") == 0) getchar();
    }
    if (fcntl(0, F_GETFD) == -1) puts("standard input is closed");
    return n > 9;
}
END
}
program small >"$house/tutorials/00_small/tutorial.cpp"
program other >"$house/tutorials/01_other/tutorial.cpp"
program exercise >"$house/tutorials/00_small/exercise.cpp"
program reader >"$scratch/my own.cpp"

for name in apt-get sudo gdb; do
    printf '#!/bin/sh\necho "%s $*" >>"%s"\n' "$name" "$calls" >"$scratch/fakes/$name"
    chmod +x "$scratch/fakes/$name"
done
printf 'ID=kin\nID_LIKE="ubuntu debian"\n' >"$scratch/kin"
printf 'ID=fedora\n' >"$scratch/fedora"

# --- checks -----------------------------------------------------------------------------------------------------------
failures=0
fail() {
    printf 'FAILED: %s\n--- output\n%s\n--- errors\n%s\n' "$1" "$out" "$err"
    failures=$((failures + 1))
}
# run COMMAND...: its status, output and errors go to $status, $out and $err.
run() {
    status=0
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    out=$(<"$scratch/out") err=$(<"$scratch/err")
    called=$(cat "$calls" 2>/dev/null || true)
    rm -f "$calls"
}
# expect WHAT STATUS OUTPUT ERRORS: both patterns of the shell.
expect() {
    # shellcheck disable=SC2053 # the right sides are patterns
    [[ $status == "$2" && $out == $3 && $err == $4 ]] || fail "$1"
}

cd /
run "$start" 00 --quick
expect 'from another folder, a path with a space' 0 "small
--page
$house/build/pages/00.html
--quick" 'unroll: building, 2 steps'
[[ -z $called ]] || fail "installed something where all is there: $called"
run "$start" 00_small
expect 'a second run by the whole name has nothing to say or do' 0 'small*' ''
run "$start" --seed 5
expect 'chapter 01 by default, options passed on' 0 'other*--seed
5' 'unroll: building*'
run "$start" 0 --page 'my page.html'
expect 'the page elsewhere' 0 'small
--page
my page.html' ''
run "$start" 00 1 2 3 4 5 6 7
expect "the chapter's status is start's" 1 'small*' ''
CI=true run bash -c '"$1" 00 <&-' - "$start"
expect 'no standard input, CI' 0 'small*' ''
[[ $out != *'is closed'* ]] || fail 'standard input left closed'
run env -i PATH="$PATH" "$start" 00
expect 'no HOME, no TERM' 0 'small*' ''

for wrong in 17 00_smal '.*' -3 '' 'a b' 99999999999999999999; do
    run "$start" "$wrong"
    expect "no chapter '$wrong'" 2 '' "*'$wrong'*usage: *chapters: 00_small 01_other"
done
run "$start" --help
expect help 0 'usage: *00_small*01_other*' ''

# Two at once: the second waits for the lock, both are right.
touch "$house/tutorials/00_small/tutorial.cpp"
"$start" 00 >"$scratch/first" 2>&1 &
run "$start" 00
wait $!
expect 'two at once' 0 'small*' '*'
grep -q '^small' "$scratch/first" || fail 'two at once, the first'

# The lock is for the build, not for the run.
mkfifo "$scratch/line"
"$start" 00 --wait >"$scratch/first" 2>&1 <"$scratch/line" &
exec 3>"$scratch/line"
for _ in {1..300}; do
    if grep -q wait "$scratch/first"; then break; fi
    sleep 0.1
done
run timeout 30 "$start" 00
expect 'one beside another that runs' 0 'small*' ''
echo >&3
exec 3>&-
wait $!

# A moved house is built anew.
mv "$house" "$scratch/new house"
run "$scratch/new house/tutorials/start" 00
expect 'a moved house' 0 'small*new house/build*' 'unroll: building*'
mv "$scratch/new house" "$house"
run "$start" 00
expect 'moved back' 0 'small*' 'unroll: building*'

# What does not compile is shown in full.
cp "$house/tutorials/00_small/tutorial.cpp" "$scratch/good"
echo 'int f() { return missing_name; }' >>"$house/tutorials/00_small/tutorial.cpp"
run "$start" 00
expect 'a compile error' 1 '' "*tutorial.cpp:*missing_name*does not build"
[[ $err != *$'\e['* ]] || fail 'colours where there is no terminal'
if script -qec true /dev/null >/dev/null 2>&1; then
    run script -qec "TERM=xterm '$start' 00" /dev/null
    [[ $out == *$'\e[01'*missing_name* && $out == *'building ['* ]] || fail 'progress and colours on a terminal'
else
    echo 'no pseudo-terminals here: progress and colours go untested'
fi
cp "$scratch/good" "$house/tutorials/00_small/tutorial.cpp"

# Exercises: mine.cpp is made once and never written over; what does not compile is misuse.
run "$start" 00 --exercise --seed 3
expect 'an exercise' 0 'exercise
--seed
3' '*mine.cpp*'
echo 'int g() { return other_name; }' >>"$house/tutorials/00_small/mine.cpp"
run "$start" 00 --exercise
expect 'an exercise that does not compile' 2 '' '*mine.cpp:*other_name*'
run "$start" 00
expect 'the chapter beside it' 0 'small*' '*'
rm "$house/tutorials/00_small/mine.cpp"
run "$start" 00 --exercise
expect 'an exercise begun again' 0 'exercise' '*mine.cpp*'
run "$start" 01 --exercise
expect 'a chapter without exercises' 2 '' '*usage:*'

# The reader's own file, and another in its place.
cd "$scratch"
run "$start" gradcheck 'my own.cpp' --seed 2
expect gradcheck 0 'reader
--seed
2' '*'
program 'second reader' >"$scratch/second.cpp"
run "$start" gradcheck second.cpp
expect 'gradcheck of another file' 0 'second reader' 'unroll: building*'
echo 'int g() { return other_name; }' >>"$scratch/second.cpp"
run "$start" gradcheck second.cpp
expect 'gradcheck of what does not compile' 2 '' "*second.cpp:*other_name*"
rm "$scratch/second.cpp"
run "$start" 00
expect 'a chapter after the file is gone' 0 'small*' '*'
for wrong in nowhere.cpp "$scratch" --seed; do
    run "$start" gradcheck "$wrong"
    expect "gradcheck $wrong" 2 '' '*usage: *'
done

run env PATH="$scratch/fakes:$PATH" "$start" 00 --debug --steps 9
expect debug 0 '' '*'
[[ $called == "gdb "*"printers.py --args $house/build-debug/tutorials/00_small --page"*" --steps 9" ]] || fail "gdb: $called"

# --- tests/run --------------------------------------------------------------------------------------------------------
run "$house/tests/run"
expect 'all tests' 0 '*9 passed, 0 failed' '*'
[[ $out != *'not shown'* ]] || fail 'the output of a test that passed'
run "$house/tests/run" --suite gradcheck
expect 'a suite with its output' 0 '*tanh 1e-12
1 passed, 0 failed' ''
touch "$house/broken"
run "$house/tests/run" --suite unit --suite exercise
expect 'tests that fail' 1 '*why*13 passed, 3 failed' ''
rm "$house/broken"
run "$house/tests/run" cases
expect 'a test by name' 0 '*5 passed, 0 failed' ''
run "$house/tests/run" cases --suite exercise
expect 'a choice without tests' 1 '*' '*no test ran'
for wrong in '--suite nonsense' --suite --nonsense; do
    # shellcheck disable=SC2086 # words
    run "$house/tests/run" $wrong
    expect "tests/run $wrong" 2 '' '*usage: tests/run*'
done

# --- what is missing --------------------------------------------------------------------------------------------------
# A dpkg-query that knows of all but fmt, and a compiler that finds no header (or all, for what dpkg does not know of).
cat >"$scratch/fakes/dpkg-query" <<'END'
#!/bin/sh
for package; do case $package in -* | libfmt-dev) ;; *) echo "installed $package" ;; esac; done
END
# shellcheck disable=SC2016
printf '#!/bin/sh\nexit "${HEADERS_MISSING:-0}"\n' >"$scratch/fakes/c++"
chmod +x "$scratch"/fakes/*
missing() { # SYSTEM COMMAND...
    local system=$1
    shift
    run env PATH="$scratch/fakes:$PATH" UNROLL_OS_RELEASE="$system" HEADERS_MISSING=1 "$@"
}
as_user=()
[[ $(id -u) != 0 ]] || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)

run env PATH="$scratch/fakes:$PATH" UNROLL_OS_RELEASE="$scratch/kin" "$start" 00
expect 'a header that no package brought' 0 'small*' ''
if [[ $(id -u) == 0 ]]; then
    missing "$scratch/kin" "$start" 00
    expect 'installs' 0 'small*' '*installing libfmt-dev
*downloaded in * s, installed in * s'
    [[ $called == "apt-get"*" update
apt-get"*" install --no-install-recommends --download-only libfmt-dev
apt-get"*" install --no-install-recommends libfmt-dev" ]] || fail "apt-get: $called"
fi
chmod -R a+rwX "$scratch"
touch "$calls" && chmod a+w "$calls"
missing "$scratch/kin" "${as_user[@]}" "$start" 00
expect 'installs by sudo' 0 'small*' '*installing libfmt-dev*'
[[ $called == *"sudo env DEBIAN_FRONTEND=noninteractive apt-get"*" libfmt-dev" ]] || fail "sudo: $called"
printf '#!/bin/sh\nexit 1\n' >"$scratch/fakes/sudo"
missing "$scratch/kin" "${as_user[@]}" "$start" 00
expect 'sudo is refused' 1 '' "*please run: sudo apt-get install * libfmt-dev*can't go on without libfmt-dev"
missing "$scratch/fedora" "$start" 00
expect 'another system' 1 '' '*please install*: libfmt-dev *without libfmt-dev *'
run env UNROLL_OS_RELEASE="$scratch/fedora" "$start" 00
expect 'another system, where all is there' 0 'small*' ''
missing /nonexistent "$start" 00
expect 'a system without a name' 1 '' '*please install*: libfmt-dev*'
[[ -z $called ]] || fail "called there: $called"

chmod a-w "$house/build"
run "${as_user[@]}" "$start" 00
[[ $(stat -c %u "$house/build") == "$(id -u)" && ${#as_user[@]} == 0 ]] || expect 'a build of another user' 1 '' "*can't write*"

[[ $failures == 0 ]] || exit 1
echo 'all well'
