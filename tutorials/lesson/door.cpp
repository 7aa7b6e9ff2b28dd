#include "tutorials/lesson/door.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "core/file.hpp"

namespace unroll::lesson::door {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

/// Keys without Enter for as long as it lives. Ctrl-C comes as a key, so that the terminal is put back before it acts.
class KeyMode {
  public:
    KeyMode() {
        tcgetattr(STDIN_FILENO, &before_);
        termios keys = before_;
        keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
    }
    ~KeyMode() { tcsetattr(STDIN_FILENO, TCSADRAIN, &before_); }

  private:
    termios before_;
};

std::optional<char> next_byte() {
    char c;
    ssize_t n;
    do n = ::read(STDIN_FILENO, &c, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? std::optional(c) : std::nullopt;
}

std::optional<std::string> read_key() {
    std::optional<char> key;
    {
        KeyMode mode;
        key = next_byte();
        if (key == '\033' && next_byte() == '[') key = next_byte() == 'D' ? 'b' : 'n';
    }
    if (key == '\003') std::raise(SIGINT);
    if (!key || key == '\004') return std::nullopt;
    if (key == '\n' || key == '\r' || key == ' ') return "n";
    return std::string(1, *key);
}

volatile std::sig_atomic_t interrupted = 0;

void on_signals(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    for (int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
    interrupted = 0;
    on_signals([](int) { interrupted = 1; });
}
Interrupt::~Interrupt() { on_signals(SIG_DFL); }
bool Interrupt::asked() const { return interrupted != 0; }

bool output_is_terminal() { return isatty(STDOUT_FILENO) != 0 && environment("TERM") != "dumb"; }

bool colours() { return output_is_terminal() && environment("NO_COLOR").empty(); }

int terminal_width() {
    winsize size{};
    int columns = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
    if (columns <= 0) columns = std::atoi(environment("COLUMNS").c_str());
    return columns >= 20 && columns <= 10000 ? columns : 80;
}

void write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::optional<std::string> read_command() {
    std::string line;
    if (isatty(STDIN_FILENO) != 0 && output_is_terminal()) {
        auto key = read_key();
        if (!key || std::strchr("tpg", (*key)[0]) == nullptr) {
            write("\n");
            return key;
        }
        write(*key + " ");
        line = *key + " ";
    }
    std::string rest;
    if (!std::getline(std::cin, rest)) return std::nullopt;
    return line + rest;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

std::vector<std::string> entries(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

void prepare_file(const std::string& path) {
    std::error_code error;
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    std::filesystem::create_directories(folder, error);
    if (error) throw Error(path + ": can't make its folder: " + error.message());
    bool there = std::filesystem::exists(path, error);
    if (std::filesystem::is_directory(path, error)) throw Error(path + ": is a folder");
    if (access(there ? path.c_str() : folder.c_str(), W_OK) != 0)
        throw Error(path + ": can't be written: " + std::strerror(errno));
}

void replace_file(const std::string& path, std::string_view content) {
    prepare_file(path);
    write_file_atomically(path, {content});
}

std::string build_folder() {
    std::error_code error;
    auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    auto folder = error ? std::filesystem::current_path() : program.parent_path();
    for (auto up = folder; up != up.root_path(); up = up.parent_path())
        if (std::filesystem::exists(up / "meson-info", error)) return up.string();
    return folder.string();
}

std::string machine() {
    std::ifstream file("/proc/cpuinfo");
    std::string name = "unknown processor";
    for (std::string line; std::getline(file, line);)
        if (line.rfind("model name", 0) == 0 && line.find(": ") != line.npos) {
            name = line.substr(line.find(": ") + 2);
            break;
        }
    unsigned cores = std::thread::hardware_concurrency();
    return fmt::format("{}, {} core{}", name, cores, cores == 1 ? "" : "s");
}

}  // namespace unroll::lesson::door
