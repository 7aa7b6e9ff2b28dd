#include "core/storage.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace unroll {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool pooling = false;  // a pool would hide use after free from the sanitizer
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool pooling = false;
#else
constexpr bool pooling = true;
#endif
#else
constexpr bool pooling = true;
#endif

constexpr int classes = 200;  // four to each power of two
bool poison = false;

struct Pool {
    Storage* free[classes] = {};
    MemoryStats stats = {};
    int64_t limit = int64_t{1} << 50;  // of live bytes
};

thread_local Pool* mine = nullptr;

/// A thread's pool goes with it; it is left to the process where something is still in use, as handles in static
/// variables are, which outlive the main thread's destructors.
struct AtThreadEnd {
    ~AtThreadEnd() {
        if (mine->stats.live_bytes != 0) return;
        release_pool();
        delete std::exchange(mine, nullptr);
    }
};

Pool& pool() {
    if (mine == nullptr) {
        static thread_local AtThreadEnd end;
        mine = new Pool;
    }
    return *mine;
}

/// Smallest class whose size holds `bytes`: sizes are 2^k (4 + j) / 4, j = 0 .. 3, from 64 on, so at most a fifth is
/// unused.
int class_of(size_t bytes, size_t* size) {
    size_t n = bytes < 64 ? 64 : bytes;
    int k = std::bit_width(n - 1);  // 2^(k-1) < n <= 2^k
    size_t quarter = size_t{1} << (k - 3);
    size_t j = (n - (size_t{1} << (k - 1)) + quarter - 1) / quarter;  // 1 .. 4
    *size = (size_t{1} << (k - 1)) + j * quarter;
    return (k - 6) * 4 + int(j);
}

}  // namespace

Storage* Storage::acquire(size_t bytes) {
    Pool& p = pool();
    if (bytes > size_t(p.limit) || int64_t(bytes) > p.limit - p.stats.live_bytes) throw std::bad_alloc();
    size_t size = 0;
    int c = class_of(bytes, &size);
    Storage* s = p.free[c];
    if (s != nullptr) {
        p.free[c] = s->next;
        p.stats.pooled_bytes -= s->bytes;
    } else {
        s = static_cast<Storage*>(::operator new (sizeof(Storage) + size, std::align_val_t{64}));
        p.stats.heap_allocations++;
    }
    *s = {1, int64_t(size), 0, c, -1, false, nullptr};
    p.stats.live_bytes += s->bytes;
    return s;
}

// Not inlined: GCC 12 warns of use after free, falsely, where it sees the deleting path inside a handle's copy.
__attribute__((noinline)) void Storage::release(Storage* s) {
    if (--s->references > 0) return;
    Pool& p = pool();
    p.stats.live_bytes -= s->bytes;
    if (!pooling) {
        ::operator delete (s, std::align_val_t{64});
        return;
    }
    if (poison) std::memset(s->data(), 0xFF, size_t(s->bytes));
    s->next = p.free[s->size_class];
    p.free[s->size_class] = s;
    p.stats.pooled_bytes += s->bytes;
}

MemoryLimit::MemoryLimit(int64_t bytes) : before_(pool().limit) {
    pool().limit = std::min(before_, pool().stats.live_bytes + bytes);
}
MemoryLimit::~MemoryLimit() { pool().limit = before_; }

MemoryStats memory_stats() { return pool().stats; }

void release_pool() {
    Pool& p = pool();
    for (Storage*& list : p.free) {
        while (list != nullptr) {
            Storage* s = list;
            list = s->next;
            p.stats.pooled_bytes -= s->bytes;
            ::operator delete (s, std::align_val_t{64});
        }
    }
}

void poison_released_storage(bool on) { poison = on; }

}  // namespace unroll
