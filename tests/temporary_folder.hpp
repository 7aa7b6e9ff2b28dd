#pragma once
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "core/error.hpp"

/// A folder for the files of one test, removed with all it holds.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "unroll-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }
    /// Replaces what has that name: cutting off the old content makes some file systems wait for the disk.
    std::string write(const std::string& name, const std::string& content) const {
        std::filesystem::remove(*this / name);
        std::ofstream(*this / name, std::ios::binary) << content;
        return *this / name;
    }
    std::set<std::string> names() const {
        std::set<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) all.insert(entry.path().filename());
        return all;
    }

  private:
    std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The message of the Error that f throws: one line; "" where it throws none.
template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const unroll::Error& e) {
        CHECK(std::string(e.what()).find('\n') == std::string::npos);
        return e.what();
    }
    return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// While it lives the process has no more rights than anybody, where it was started by root.
class NoRights {
  public:
    NoRights() {
        if (getuid() == 0) REQUIRE(seteuid(65534) == 0);
    }
    ~NoRights() {
        if (getuid() == 0) CHECK(seteuid(0) == 0);
    }
};
