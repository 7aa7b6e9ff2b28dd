#include "core/arena.hpp"

#include <algorithm>

namespace unroll {

static constexpr size_t block_bytes = size_t{1} << 16;

void* Arena::allocate(size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    if (blocks_.empty() || used_ + bytes > size_t(blocks_[block_]->bytes)) {
        if (!blocks_.empty()) block_++;
        if (block_ == blocks_.size()) blocks_.push_back(Storage::acquire(std::max(block_bytes, bytes)));
        if (bytes > size_t(blocks_[block_]->bytes)) {  // a kept block that is too small for a large array
            Storage::release(blocks_[block_]);
            blocks_[block_] = Storage::acquire(bytes);
        }
        used_ = 0;
    }
    void* p = static_cast<char*>(blocks_[block_]->data()) + used_;
    used_ += bytes;
    return p;
}

void Arena::clear() {
    for (Storage* block : blocks_) Storage::release(block);
    blocks_.clear();
    block_ = used_ = 0;
}

}  // namespace unroll
