#include "tutorials/grader/child.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "core/error.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNROLL_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL_SANITIZED
#endif

namespace unroll::grader {
namespace {

constexpr rlim_t most_written = rlim_t{16} << 20;  // bytes in any one file

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

// Files, not pipes: nobody has to read while the program runs, and nothing blocks.
File temporary(const std::string& content = "") {
    File file(std::tmpfile(), std::fclose);
    if (file == nullptr) throw Error(fmt::format("no temporary file: {}", std::strerror(errno)));
    std::fwrite(content.data(), 1, content.size(), file.get());
    std::fflush(file.get());
    std::rewind(file.get());
    return file;
}

std::string content(FILE* file) {
    std::string text;
    char block[1 << 14];
    std::rewind(file);
    while (const size_t n = std::fread(block, 1, sizeof block, file)) text.append(block, n);
    return text;
}

void limit(int resource, rlim_t most) {
    const rlimit both{most, most};
    setrlimit(static_cast<decltype(RLIMIT_AS)>(resource), &both);
}

[[noreturn]] void become(const std::vector<std::string>& command, const Limits& limits, int in, int out, int results) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, most_written);
    limit(RLIMIT_STACK, rlim_t{8} << 20);  // so that endless recursion ends soon, everywhere
#ifndef UNROLL_SANITIZED
    limit(RLIMIT_AS, static_cast<rlim_t>(limits.megabytes) << 20);
#else
    (void)limits;
#endif
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    dup2(results, 3);
    for (int fd = 4; fd < 64; fd++) close(fd);
    std::vector<char*> arguments;
    for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

std::string name_of(int signal) {
    switch (signal) {
        case SIGSEGV:
            return "crashed: segmentation fault (an index or pointer out of range, or endless recursion)";
        case SIGFPE:
            return "crashed: arithmetic error (a whole number divided by zero?)";
        case SIGABRT:
            return "crashed: aborted";
        case SIGKILL:
            return "killed: out of memory?";
        case SIGXFSZ:
            return fmt::format("stopped: it wrote more than {} MB", most_written >> 20);
        default:
            return fmt::format("crashed: {}", strsignal(signal));
    }
}

}  // namespace

Run run(const std::vector<std::string>& command, const std::string& input, const Limits& limits) {
    const File in = temporary(input), out = temporary(), results = temporary();
    const pid_t child = fork();
    if (child < 0) throw Error(fmt::format("can't start {}: {}", command[0], std::strerror(errno)));
    if (child == 0) become(command, limits, fileno(in.get()), fileno(out.get()), fileno(results.get()));
    setpgid(child, child);  // both do it: whoever comes first

    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(limits.seconds);
    int status = 0;
    bool late = false;
    for (auto pause = std::chrono::microseconds(200); waitpid(child, &status, late ? 0 : WNOHANG) == 0;) {
        late = Clock::now() > end;
        if (late) kill(-child, SIGKILL);
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::microseconds(4000));
    }
    kill(-child, SIGKILL);  // what it may have started
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && content(out.get()).empty())
        throw Error(fmt::format("can't run {}", command[0]));
    Run run{content(results.get()), content(out.get()), "", 0};
    if (late)
        run.death = fmt::format("stopped after {} s: an endless loop?", limits.seconds);
    else if (WIFSIGNALED(status))
        run.death = name_of(WTERMSIG(status));
    else
        run.status = WEXITSTATUS(status);
    return run;
}

}  // namespace unroll::grader
