# shellcheck shell=bash
# The set-up that tutorials/start, tests/run and .ci/run share: packages, configuring, building. To be sourced; works in
# the checkout that holds it, whatever the current directory. What it has to say goes to standard error.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# shellcheck disable=SC2034 # used where this is sourced
# What a chapter is built with, by Debian's names. The last two make the pages prettier and are not necessary.
chapter_packages=(g++ meson ninja-build pkg-config libfmt-dev nlohmann-json3-dev libcli11-dev doctest-dev libstb-dev libsndfile1-dev
    libjs-katex libjs-chart.js)
# shellcheck disable=SC2034
test_packages=(gdb cmake)

say() { printf 'unroll: %s\n' "$*" >&2; }

# die STATUS MESSAGE
die() {
    say "$2"
    exit "$1"
}

on_terminal() { [[ -t 2 && -z ${CI:-} ]]; }

# quietly LOG COMMAND...: the command's output goes to LOG, and is shown if it fails.
quietly() {
    local log=$1 status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [[ $status == 0 ]] || cat "$log" >&2
    return "$status"
}

# --- packages ---------------------------------------------------------------------------------------------------------

has_header() { "${CXX:-c++}" -std=c++20 -E -x c++ - <<<"#include <$1>"; }

# is_there PACKAGE: what the package brings is there, from wherever it came.
is_there() {
    case $1 in
        g++) command -v "${CXX:-c++}" ;;
        ninja-build) command -v ninja ;;
        libfmt-dev) has_header fmt/format.h ;;
        nlohmann-json3-dev) has_header nlohmann/json.hpp ;;
        libcli11-dev) has_header CLI/CLI.hpp ;;
        doctest-dev) has_header doctest/doctest.h ;;
        libstb-dev) has_header stb/stb_image.h ;;
        libsndfile1-dev) has_header sndfile.h ;;
        libclang-rt-dev) compgen -G "$(clang++ -print-resource-dir)/lib/*/libclang_rt.fuzzer*" ;;
        libjs-katex) test -e /usr/share/javascript/katex/katex.min.js ;;
        libjs-chart.js) test -e /usr/share/javascript/chart.js/chart.min.js ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

is_debian() {
    local ID='' ID_LIKE=''
    # shellcheck source=/dev/null
    . "${UNROLL_OS_RELEASE:-/etc/os-release}" 2>/dev/null || return 1 # the variable is for tests/setup
    [[ " $ID $ID_LIKE " == *' debian '* ]] && command -v apt-get dpkg-query >/dev/null
}

# missing_packages PACKAGE...: prints those that are not there, a line each.
missing_packages() {
    local installed='' package
    if is_debian; then
        installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    fi
    for package in "$@"; do
        grep -qxF "installed $package" <<<"$installed" || is_there "$package" || echo "$package"
    done
}

# as_root COMMAND...
as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# apt-get without questions, waiting for another that runs.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"; }

# can_be_root REASON...
can_be_root() {
    [[ $(id -u) != 0 ]] || return 0
    say "sudo is needed to install $*"
    if on_terminal; then sudo -v; else sudo -n true 2>/dev/null; fi
}

install_packages() {
    local log downloaded
    say "installing $*"
    log=$(mktemp)
    SECONDS=0
    quietly "$log" apt_get update || say 'apt-get update failed; going on with the lists there are'
    quietly "$log" apt_get install --no-install-recommends --download-only "$@" || die 1 'apt-get failed'
    downloaded=$SECONDS
    quietly "$log" apt_get install --no-install-recommends "$@" || die 1 'apt-get failed'
    rm -f "$log"
    say "downloaded in $downloaded s, installed in $((SECONDS - downloaded)) s"
}

# need PACKAGE...: installs what is missing on Debian and its kin; elsewhere names it, and goes on if it can.
need() {
    local missing necessary=() package
    read -r -d '' -a missing <<<"$(missing_packages "$@")" || true
    for package in "${missing[@]}"; do
        [[ $package == libjs-* ]] || necessary+=("$package")
    done
    [[ ${#missing[@]} != 0 ]] || return 0
    [[ ${#necessary[@]} != 0 || ! -e $root/build/build.ninja ]] || return 0
    if ! is_debian; then
        say "please install (these are Debian's names): ${missing[*]}"
    elif can_be_root "${missing[@]}"; then
        install_packages "${missing[@]}"
        return
    else
        say "please run: sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    [[ ${#necessary[@]} == 0 ]] || die 1 "can't go on without ${necessary[*]}"
}

# --- building ---------------------------------------------------------------------------------------------------------

# Two at a time would spoil the build: the second waits.
lock_build() {
    mkdir -p "$root/build" 2>/dev/null || true
    [[ -w $root/build ]] || die 1 "$(id -un) can't write to $root/build; did another user build there?"
    command -v flock >/dev/null || return 0
    exec {build_lock}>>"$root/build/.lock"
    flock -n "$build_lock" || {
        say 'waiting for another build'
        flock "$build_lock"
    }
}

unlock_build() { [[ -z ${build_lock:-} ]] || exec {build_lock}>&-; }

# build_identity MESON_OPTION...: a build made elsewhere, by another compiler, with other options or for another processor
# (-march=native) is not used again.
build_identity() {
    echo "$root ${CXX:-c++} $*"
    uname -m
    grep -m1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null || true
}

# configure DIR [MESON_OPTION...]: DIR is below the root. Does nothing where it was done before.
configure() {
    local dir=$root/$1 identity
    shift
    identity=$(build_identity "$@")
    mkdir -p "$dir"
    if [[ -e $dir/build.ninja ]]; then
        [[ $(cat "$dir/.identity" 2>/dev/null || true) != "$identity" ]] || return 0
        rm -rf "$dir"/meson-* "$dir"/build.ninja "$dir"/.ninja_*
    fi
    quietly "$dir/setup.log" meson setup "$dir" "$root" "$@" || die 1 "meson could not configure $dir"
    echo "$identity" >"$dir/.identity"
}

# has_target DIR TARGET
has_target() { grep -qF "build $2:" "$root/$1/build.ninja"; }

# reconfigure DIR: for targets that exist once a reader's file does.
reconfigure() {
    quietly "$root/$1/setup.log" meson setup --reconfigure "$root/$1" "$root" || die 1 "meson could not configure $1"
}

# Ninja's output becomes one line that counts up, or without a terminal one line in all.
show_progress() {
    local line started=''
    while IFS= read -r line; do
        [[ $line =~ ^(\[[0-9]+/([0-9]+)\]) && $line != *'Regenerating build files'* ]] || continue
        if on_terminal; then
            printf '\r\033[Kbuilding %s' "${BASH_REMATCH[1]}" >&2
        elif [[ -z $started ]]; then
            say "building, ${BASH_REMATCH[2]} steps"
        fi
        started=yes
    done
    if [[ -n $started ]] && on_terminal; then printf '\r\033[K' >&2; fi
}

# build DIR [TARGET...]: quiet when all is well; else shows what the compiler said and fails.
build() {
    local dir=$root/$1 colours=0
    shift
    if on_terminal; then colours=1; fi
    NINJA_STATUS='[%f/%t] ' CLICOLOR_FORCE=$colours ninja -C "$dir" "$@" 2>&1 </dev/null | tee "$dir/build.log" | show_progress || {
        grep -v -e '^\[[0-9]*/[0-9]*\] ' -e '^ninja: Entering' "$dir/build.log" >&2
        return 1
    }
}

# run_tests DIR VERBOSE [MESON_TEST_ARGUMENT...]: the last line printed is `N passed, N failed`.
run_tests() {
    local dir=$root/$1 verbose=$2
    shift 2
    rm -f "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes "$(nproc)" "$@" </dev/null |
        sed -e '/^ninja: /d' -e '/^Ok: /,$d' || true # summary.py counts and judges
    [[ -e $dir/meson-logs/testlog.json ]] || die 1 'no test ran'
    python3 "$root/tests/summary.py" "$dir/meson-logs/testlog.json" ${verbose:+--verbose}
}

# A command started with standard input closed would hand its number to the next file opened.
{ true 3<&0; } 2>/dev/null || exec </dev/null
