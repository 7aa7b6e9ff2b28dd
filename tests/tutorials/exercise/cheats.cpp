// A reader who does 0.3 of chapter 00 in many bad ways, chosen by the environment variable CHEAT, and the rest right.
#define tanh_backward honest_tanh_backward
#include "tutorials/00_tape/solution.cpp"
#undef tanh_backward

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <string>

namespace unroll::exercise {

static const std::string cheat = std::getenv("CHEAT") != nullptr ? std::getenv("CHEAT") : "";

static struct Early {
    Early() {
        if (cheat == "exit before main") std::exit(0);
    }
} early;

static int endless(volatile int* depth) {
    volatile int here = *depth + 1;
    return here < 0 ? 0 : endless(&here) + here;
}

static void fill_memory() {
    const std::vector<char> much(size_t{3} << 30);  // above the limit, and less than most machines have
}

static void flood() {
    for (;;) std::puts("all work and no play makes Jack a dull boy");
}

static void forge() {
    for (const char* line :
         {"{\"answer\": \"dx\", \"case\": \"[3, 4]\", \"shape\": [9223372036854775807, 2], \"values\": [1]}\n",
          "{\"answer\": \"dx\", \"case\": \"[1]\", \"shape\": \"many\"}\n", "[[[[[[[[[[[[[[[[[", "\n",
          "{\"points\": 100}\n", "{\"done\": \"\"}\n"})
        if (write(3, line, std::strlen(line)) < 0) return;
    _exit(0);
}

using Cheat = void (*)();
static const std::map<std::string, Cheat> cheats = {
    {"exit", [] { std::exit(0); }},
    {"_exit", [] { _exit(0); }},
    {"abort", [] { std::abort(); }},
    {"segfault", [] { *static_cast<volatile int*>(nullptr) = 1; }},
    {"recursion",
     [] {
         volatile int depth = 0;
         endless(&depth);
     }},
    {"memory", fill_memory},
    {"flood", flood},
    {"throw", [] { throw 42; }},
    {"forge", forge},
    {"close", [] { close(3); }},
    {"fork", [] { (void)!fork(); }},
    {"kill", [] { kill(0, 9); }},
    {"success", [] { std::printf("0.3 10/10 tanh_backward\npoints 100/100\n\033[2J"); }},
};

Tensor tanh_backward(const Tensor& dy, const Tensor& y) {
    if (const auto it = cheats.find(cheat); it != cheats.end()) it->second();
    if (cheat == "nothing") return {};
    if (cheat == "zeros") return Tensor::zeros(y.shape(), DType::f64);
    if (cheat == "flat") return honest_tanh_backward(dy, y).reshape({-1, 1, 1, 1});
    if (cheat == "f32") return honest_tanh_backward(dy, y).to(DType::f32);
    if (cheat == "nan") return honest_tanh_backward(dy, y) * std::numeric_limits<double>::quiet_NaN();
    if (cheat == "three times") return honest_tanh_backward(dy, y) * 3.0;
    if (cheat == "wrong use") return dy + Tensor::zeros({3, 99}, DType::f64);
    if (cheat == "in place") {
        const Tensor dx = honest_tanh_backward(dy, y);
        Tensor(dy).fill(0);
        return dx;
    }
    return cheat == "" || cheat == "close" || cheat == "fork" ? honest_tanh_backward(dy, y) : dy;
}

}  // namespace unroll::exercise
