#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>

namespace unroll::kernels {

/// A reference to something callable, for the time of a call. Unlike std::function it never allocates.
template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
  public:
    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
    FunctionRef(F&& f)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, Args... args) -> R {
              return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args>(args)...);
          }) {}
    R operator()(Args... args) const { return call_(object_, static_cast<Args>(args)...); }

  private:
    void* object_;
    R (*call_)(void*, Args...);
};

/// How many threads a parallel loop may use, the calling one included. At first UNROLL_THREADS if that is a number from
/// 1, else the machine's cores; 1 inside a body of parallel(). Kernels compute the same bits for any number.
int threads();
void set_threads(int n);  // n >= 1

/// Runs body(0) ... body(chunks - 1), each once, on the calling thread and the pool's; returns when all are done. With
/// one thread, one chunk, or inside a body it is a plain loop. When a body throws, chunks not yet started are left out
/// and the exception of the lowest chunk that threw is rethrown. Allocates nothing, except when it starts threads.
void parallel(int64_t chunks, FunctionRef<void(int64_t chunk)> body);

/// Where chunk i of `chunks` begins when `total` is split evenly; its end is the beginning of chunk i + 1.
inline int64_t chunk_begin(int64_t total, int64_t chunks, int64_t i) {
    return total / chunks * i + (i < total % chunks ? i : total % chunks);
}

}  // namespace unroll::kernels
