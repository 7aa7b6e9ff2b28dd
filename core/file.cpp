#include "core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace unroll {
namespace {

[[noreturn]] void failed(const std::string& path, const char* what, int error = errno) {
    throw Error("{}: {}: {}", path, what, std::generic_category().message(error));
}

constexpr const char* not_written = "can't be written";

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) close(fd);
    }
};

void write_all(int fd, const std::string& path, const std::vector<std::string_view>& pieces) {
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            const ssize_t n = write(fd, piece.data(), piece.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) failed(path, not_written);
            piece.remove_prefix(size_t(n));
        }
    }
}

/// Opens the temporary and takes a lock on it, so that two programs that save to one path don't write into each other.
int open_temporary(const std::string& temporary) {
    for (;;) {
        // Kept as it is until the lock is held: another program may be writing to it.
        Descriptor file{open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666)};
        if (file.fd < 0) failed(temporary, not_written);
        struct flock lock = {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        if (fcntl(file.fd, F_SETLK, &lock) != 0 && (errno == EACCES || errno == EAGAIN))
            throw Error(temporary + ": another program is writing to it");
        struct stat opened, named;
        if (fstat(file.fd, &opened) != 0) failed(temporary, not_written);
        // Renamed by the other program in between: what is open is its good file.
        if (stat(temporary.c_str(), &named) != 0 || opened.st_ino != named.st_ino) continue;
        if (!S_ISREG(opened.st_mode)) throw Error(temporary + ": is in the way, and not a file");
        if (ftruncate(file.fd, 0) != 0) failed(temporary, not_written);
        return std::exchange(file.fd, -1);
    }
}

/// Where a symbolic link leads, else the path itself.
std::string resolved(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    const std::string target = real != nullptr ? real : path;
    std::free(real);
    return target;
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) failed(path, "can't be opened");
    struct stat info = {};
    const int error = fstat(fd_, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
    if (error != 0) {
        close(fd_);
        failed(path, "can't be read", error);
    }
    if (S_ISREG(info.st_mode)) size_ = info.st_size;
}

InputFile::~InputFile() { close(fd_); }

int64_t InputFile::read_some(void* to, int64_t bytes) {
    int64_t done = 0;
    while (done < bytes) {
        const ssize_t n = ::read(fd_, static_cast<char*>(to) + done, size_t(bytes - done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) failed(path_, "can't be read");
        if (n == 0) break;
        done += n;
    }
    return done;
}

void InputFile::read(void* to, int64_t bytes) {
    const int64_t done = read_some(to, bytes);
    if (done < bytes) throw Error("{}: ends {} bytes too early", path_, bytes - done);
}

std::string read_file(const std::string& path, int64_t limit) {
    InputFile file(path);
    std::string content;
    for (;;) {
        const int64_t done = int64_t(content.size());
        // One byte more than a file says it has, to see its end.
        const int64_t step = file.size() >= done ? file.size() - done + 1 : std::max<int64_t>(done, 65536);
        if (done > limit || file.size() > limit)
            throw Error("{}: has more than {} bytes, the most that can be read", path, limit);
        content.resize(size_t(done + std::min(step, limit + 1 - done)));
        const int64_t n = file.read_some(content.data() + done, int64_t(content.size()) - done);
        const bool end = done + n < int64_t(content.size());
        content.resize(size_t(done + n));
        if (end) return content;
    }
}

void write_file_atomically(const std::string& path, const std::vector<std::string_view>& pieces) {
    struct stat old = {};
    const bool exists = stat(path.c_str(), &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) failed(path, not_written, EISDIR);
    if (exists && faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) failed(path, not_written);
    if (exists && !S_ISREG(old.st_mode)) {
        const Descriptor device{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
        if (device.fd < 0) failed(path, not_written);
        return write_all(device.fd, path, pieces);
    }
    const std::string target = resolved(path), temporary = target + ".tmp";
    const Descriptor file{open_temporary(temporary)};
    try {
        write_all(file.fd, path, pieces);
        if (exists && fchmod(file.fd, old.st_mode & 07777) != 0) failed(path, not_written);
        if (fsync(file.fd) != 0 && errno != EINVAL) failed(path, not_written);
        if (rename(temporary.c_str(), target.c_str()) != 0) failed(path, not_written);
    } catch (...) {
        unlink(temporary.c_str());
        throw;
    }
    // The new name is on the disk only when the folder is; where that can't be had, the file is whole all the same.
    const size_t slash = target.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
    const Descriptor directory{open(folder.c_str(), O_RDONLY | O_CLOEXEC)};
    if (directory.fd >= 0) fsync(directory.fd);
}

}  // namespace unroll
