#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/file.hpp"
#include "tests/temporary_folder.hpp"

using namespace unroll;
using namespace std::string_literals;
namespace fs = std::filesystem;

TEST_CASE("file: what is written is read") {
    TemporaryFolder folder;
    const std::string path = folder / "a file";
    std::string content = "first\0second"s;
    write_file_atomically(path, {content, "", " third"});
    CHECK(read_file(path) == content + " third");
    write_file_atomically(path, {});
    CHECK(read_file(path).empty());
    std::string big(3'000'000, 'x');
    write_file_atomically(path, {big});
    CHECK(read_file(path) == big);
    CHECK(folder.names() == std::set<std::string>{"a file"});
}

TEST_CASE("file: reading piece by piece") {
    TemporaryFolder folder;
    InputFile file(folder.write("f", "0123456789"));
    char buffer[8] = {};
    CHECK(file.size() == 10);
    file.read(buffer, 4);
    CHECK(std::string(buffer) == "0123");
    CHECK(file.read_some(buffer, 8) == 6);
    CHECK(file.read_some(buffer, 8) == 0);
    CHECK(error_of([&] { file.read(buffer, 3); }) == file.path() + ": ends 3 bytes too early");
}

TEST_CASE("file: what can't be read is one line that names it") {
    TemporaryFolder folder;
    CHECK(error_of([&] { read_file(folder / "none"); }) ==
          (folder / "none") + ": can't be opened: No such file or directory");
    CHECK(error_of([&] { read_file(folder.path()); }) == folder.path() + ": can't be read: Is a directory");
    CHECK(error_of([&] { read_file(""); }) == ": can't be opened: No such file or directory");
    const std::string path = folder.write("secret", "x");
    fs::permissions(path, fs::perms::none);
    fs::permissions(folder.path(), fs::perms::all);
    NoRights guard;
    CHECK(error_of([&] { read_file(path); }) == path + ": can't be opened: Permission denied");
}

TEST_CASE("file: pipes are read to their end, endless devices are not") {
    TemporaryFolder folder;
    const std::string path = folder / "pipe";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    const pid_t child = fork();
    if (child == 0) {
        std::ofstream(path) << std::string(200'000, 'p');
        _exit(0);
    }
    CHECK(read_file(path) == std::string(200'000, 'p'));
    waitpid(child, nullptr, 0);
    CHECK(contains(error_of([] { read_file("/dev/zero", 1'000'000); }), "/dev/zero: has more than 1000000 bytes"));
    CHECK(read_file("/dev/null").empty());
    CHECK(!read_file("/proc/self/status").empty());  // says it has 0 bytes
    const std::string ten = folder.write("ten", "0123456789");
    CHECK(read_file(ten, 10) == "0123456789");
    CHECK(contains(error_of([&] { read_file(ten, 9); }), "ten: has more than 9 bytes"));
}

TEST_CASE("file: a sparse file of a terabyte does not take a terabyte") {
    TemporaryFolder folder;
    const std::string path = folder.write("huge", "");
    fs::resize_file(path, uint64_t{1} << 40);
    CHECK(contains(error_of([&] { read_file(path); }), "has more than"));
}

TEST_CASE("file: a failed write leaves the old content and nothing else") {
    TemporaryFolder folder;
    const std::string path = folder.write("checkpoint", "old");
    // A limit on the size of files fails in the middle of writing, as a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    rlimit before = {};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 100'000;
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string error = error_of([&] { write_file_atomically(path, {std::string(1'000'000, 'n')}); });
    const std::string error_new =
        error_of([&] { write_file_atomically(folder / "new", {std::string(1'000'000, 'n')}); });
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(error == path + ": can't be written: File too large");
    CHECK(contains(error_new, "new: can't be written: File too large"));
    CHECK(content_of(path) == "old");
    CHECK(folder.names() == std::set<std::string>{"checkpoint"});
}

TEST_CASE("file: a full device") {
    CHECK(error_of([] { write_file_atomically("/dev/full", {"x"}); }) ==
          "/dev/full: can't be written: No space left on device");
    struct stat info = {};
    REQUIRE(stat("/dev/full", &info) == 0);
    CHECK(S_ISCHR(info.st_mode));  // and not a file put in its place
    write_file_atomically("/dev/null", {"x"});
}

TEST_CASE("file: what can't be written") {
    TemporaryFolder folder;
    CHECK(error_of([&] { write_file_atomically(folder.path(), {"x"}); }) ==
          folder.path() + ": can't be written: Is a directory");
    CHECK(contains(error_of([&] { write_file_atomically(folder / "no/file", {"x"}); }), "No such file or directory"));
    fs::create_directory(folder / "busy.tmp");
    CHECK(contains(error_of([&] { write_file_atomically(folder / "busy", {"x"}); }), "busy.tmp: can't be written"));

    const std::string read_only = folder.write("read-only", "old");
    fs::permissions(read_only, fs::perms::owner_read);
    fs::create_directory(folder / "closed");
    fs::permissions(folder / "closed", fs::perms::owner_read | fs::perms::owner_exec);
    fs::permissions(folder.path(), fs::perms::all);
    {
        NoRights guard;
        CHECK(error_of([&] { write_file_atomically(read_only, {"x"}); }) ==
              read_only + ": can't be written: Permission denied");
        CHECK(contains(error_of([&] { write_file_atomically(folder / "closed/f", {"x"}); }), "Permission denied"));
    }
    CHECK(content_of(read_only) == "old");
    CHECK(folder.names() == std::set<std::string>{"busy.tmp", "closed", "read-only"});
}

TEST_CASE("file: permissions and links are kept") {
    TemporaryFolder folder;
    const std::string path = folder.write("private", "old");
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    fs::create_symlink("private", folder / "link");
    write_file_atomically(folder / "link", {"new"});
    CHECK(content_of(path) == "new");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("file: a temporary that a killed program left is no hindrance") {
    TemporaryFolder folder;
    folder.write("f.tmp", "half of something, longer than what comes");
    write_file_atomically(folder / "f", {"new"});
    CHECK(content_of(folder / "f") == "new");
    CHECK(folder.names() == std::set<std::string>{"f"});
}

TEST_CASE("file: killed at any moment, the path holds one of the contents") {
    TemporaryFolder folder;
    const std::string path = folder / "f", a(300'000, 'a'), b(200'000, 'b');
    write_file_atomically(path, {a});
    for (int i = 0; i < 30; i++) {
        const pid_t child = fork();
        if (child == 0)
            for (;;) {
                write_file_atomically(path, {b});
                write_file_atomically(path, {a});
            }
        usleep(static_cast<useconds_t>(500 + 317 * i));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        const std::string content = content_of(path);
        REQUIRE((content == a || content == b));
    }
    write_file_atomically(path, {"end"});
    CHECK(folder.names() == std::set<std::string>{"f"});
}

TEST_CASE("file: two programs that write to one path never mix") {
    TemporaryFolder folder;
    const std::string path = folder / "f";
    const std::string contents[] = {std::string(400'000, 'a'), std::string(300'000, 'b')};
    write_file_atomically(path, {contents[0]});
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int round = 0; round < 100; round++) {
                try {
                    write_file_atomically(path, {contents[i]});
                } catch (const Error& e) {
                    if (!contains(e.what(), "another program is writing to it")) _exit(1);
                }
            }
            _exit(0);
        }
    }
    for (int round = 0; round < 200; round++) {
        const std::string content = content_of(path);
        REQUIRE((content == contents[0] || content == contents[1]));
    }
    for (pid_t child : children) {
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(status == 0);
    }
}
