#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

/// The library's one door to files. What can't be read or written is an Error of one line, "PATH: WHAT IS WRONG".
namespace unroll {

/// A file that is read piece by piece, from its beginning.
class InputFile {
  public:
    /// Throws Error where there is no such file, it may not be read, or it is a folder.
    explicit InputFile(const std::string& path);
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    const std::string& path() const { return path_; }
    /// In bytes; -1 for a pipe or a device, whose end is not known beforehand.
    int64_t size() const { return size_; }
    /// The next bytes, fewer than asked for only at the end.
    int64_t read_some(void* to, int64_t bytes);
    /// Exactly so many; throws Error where the file ends before.
    void read(void* to, int64_t bytes);

  private:
    std::string path_;
    int fd_;
    int64_t size_ = -1;
};

/// A whole file, pipes too. Throws Error above `limit` bytes: what has no end (/dev/zero) must not fill the memory.
std::string read_file(const std::string& path, int64_t limit = int64_t{1} << 30);

/// Writes the pieces one after another to PATH.tmp, and renames it once all is on the disk: whatever happens meanwhile
/// (a full disk, a kill), `path` holds either the old content or the new. On Error the temporary is gone and the old
/// content intact. A symbolic link stays one; devices and pipes are written to directly.
void write_file_atomically(const std::string& path, const std::vector<std::string_view>& pieces);

}  // namespace unroll
