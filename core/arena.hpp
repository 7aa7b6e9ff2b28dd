#pragma once
#include <vector>

#include "core/storage.hpp"

namespace unroll {

/// Memory that is given out piece by piece and taken back all at once, in blocks from the pool.
class Arena {
  public:
    Arena() = default;
    ~Arena() { clear(); }
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    void* allocate(size_t bytes);  // aligned to 16 bytes
    void clear();

    /// What was given out after mark() is free again after rewind().
    struct Mark {
        size_t block, used;
    };
    Mark mark() const { return {block_, used_}; }
    void rewind(Mark m) {
        block_ = m.block;
        used_ = m.used;
    }

  private:
    std::vector<Storage*, PoolAllocator<Storage*>> blocks_;
    size_t block_ = 0, used_ = 0;
};

}  // namespace unroll
