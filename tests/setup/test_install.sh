#!/usr/bin/env bash
# test_install.sh BUILD: the installed library, used through pkg-config by a small meson and a small CMake project. What
# was installed may be moved: the prefix is a temporary folder.
set -euo pipefail
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset CPATH LIBRARY_PATH

# quietly COMMAND...: shows what it printed if it fails.
quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        exit 1
    }
}

quietly meson install -C "$build" --no-rebuild --destdir "$scratch/away"
PKG_CONFIG_PATH=$(dirname "$(find "$scratch/away" -name unroll.pc)")
export PKG_CONFIG_PATH

mkdir "$scratch/project"
cd "$scratch/project"
cat >main.cpp <<'END'
#include <cstdio>

#include "core/ops/elementwise.hpp"
#include "core/ops/linalg.hpp"
#include "core/ops/reductions.hpp"
#include "core/tape.hpp"

int main() {
    using namespace unroll;
    Parameter W("W", Tensor::full({2, 3}, 0.5, DType::f64));
    Tape tape;
    Var loss = sum(tanh(matmul(tape.constant(Tensor::full({4, 3}, 1.0, DType::f64)), transposed(W))));
    tape.backward(loss);
    std::printf("%.3f %.3f\n", loss.item(), tape.grad(W).at({1, 2}));
}
END
cat >meson.build <<'END'
project('reader', 'cpp', default_options: ['cpp_std=c++20'])
executable('reader', 'main.cpp', dependencies: dependency('unroll'))
END
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(reader CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(PkgConfig REQUIRED)
pkg_check_modules(unroll REQUIRED IMPORTED_TARGET unroll)
add_executable(reader main.cpp)
target_link_libraries(reader PkgConfig::unroll)
END
quietly meson setup meson
quietly ninja -C meson
quietly cmake -G Ninja -B cmake
quietly cmake --build cmake

expected='7.241 0.723' # 8 tanh(1.5), 4 (1 - tanh²(1.5))
for program in meson/reader cmake/reader; do
    printed=$($program)
    [[ $printed == "$expected" ]] || {
        echo "$program printed $printed, not $expected"
        exit 1
    }
done
echo 'all well'
