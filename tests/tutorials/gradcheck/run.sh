#!/bin/sh
# What the programs built from example.cpp, wrong.cpp and misshapen.cpp say, and their exit status.
# run.sh EXAMPLE WRONG MISSHAPEN
failed=0

# expect STATUS PATTERN COMMAND...: the exit status, and a pattern of the shell for all that is printed.
expect() {
    status=$1 pattern=$2
    shift 2
    out=$("$@" 2>&1)
    got=$?
    # shellcheck disable=SC2254 # a pattern
    case $out in $pattern) matches=yes ;; *) matches=no ;; esac
    [ "$got $matches" = "$status yes" ] || {
        printf 'FAILED: status %s, expected %s and %s: %s\n%s\n' "$got" "$status" "$pattern" "$*" "$out"
        failed=1
    }
}

expect 0 '*x *ok*h_prev *ok*W_xh *ok*W_hh *ok*b_h *ok*right: 77 entries*' "$1"
expect 0 '*right: *' "$1" --seed 2
expect 1 '*h_0 *ok*W_hh *WRONG*b *ok*wrong: W_hh\[*\] should be *' "$2"
expect 1 'wrong: gradcheck (main.cpp:*): the gradient of W is \[4, 2\] f64, expected \[2, 4\] f64' "$3"
for misuse in --help --seed '--seed -1' '--seed 1x' '--seed 99999999999999999999' 'x y'; do
    # shellcheck disable=SC2086 # words
    expect 2 'usage: *' "$1" $misuse
done
exit $failed
