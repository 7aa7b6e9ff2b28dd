#pragma once
#include <cstddef>
#include <cstdint>

namespace unroll {

/// Memory with a reference count, taken from a pool: after the first training step an ordinary step asks the heap for
/// nothing. Handles (Tensor, Ids) belong to the thread that made them: counts are not atomic (an atomic one costs 55 ns
/// an operation). Worker threads of the kernels see raw pointers only, and each thread has a pool of its own.
struct alignas(64) Storage {
    int64_t references;
    int64_t bytes;     // capacity
    uint32_t version;  // counts writes: a value saved for backward and changed since is an error
    int32_t size_class;
    mutable int32_t hint;  // where the tape that watched this parameter last keeps it
    bool parameter;        // holds a parameter's value
    Storage* next;         // in the pool's free list

    void* data() { return this + 1; }  // 64-byte aligned

    /// At least `bytes` bytes, uninitialised, with one reference.
    static Storage* acquire(size_t bytes);
    static void release(Storage* storage);  // gives one reference back
};

struct MemoryStats {
    int64_t live_bytes;        // in use by handles of this thread now
    int64_t pooled_bytes;      // kept for reuse
    int64_t heap_allocations;  // how often the pool had to ask the heap, since the start
};
MemoryStats memory_stats();

/// While it lives, this thread's storage can grow by so many bytes: what asks for more gets std::bad_alloc.
class MemoryLimit {
  public:
    explicit MemoryLimit(int64_t bytes);
    ~MemoryLimit();
    MemoryLimit(const MemoryLimit&) = delete;

  private:
    const int64_t before_;
};

/// Gives what the pool keeps back to the heap.
void release_pool();

/// For tests: storage that returns to the pool is filled with 0xFF bytes (NaN in both types), so that stale reads show.
void poison_released_storage(bool on);

/// std::vector<T, PoolAllocator<T>>: a vector whose memory comes from the same pool.
template <class T>
struct PoolAllocator {
    using value_type = T;
    PoolAllocator() = default;
    template <class U>
    PoolAllocator(const PoolAllocator<U>&) {}
    T* allocate(size_t n) { return static_cast<T*>(Storage::acquire(n * sizeof(T))->data()); }
    void deallocate(T* p, size_t) { Storage::release(reinterpret_cast<Storage*>(p) - 1); }
    bool operator==(const PoolAllocator&) const { return true; }
};

}  // namespace unroll
