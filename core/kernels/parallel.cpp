#include "core/kernels/parallel.hpp"

#include <stdexcept>

#if defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__)

namespace unroll::kernels {

int threads() { return 1; }
void set_threads(int) {}
void parallel(int64_t chunks, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < chunks; i++) body(i);
}

}  // namespace unroll::kernels

#else

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace unroll::kernels {
namespace {

int default_threads() {
    const char* text = std::getenv("UNROLL_THREADS");
    int n = text ? std::atoi(text) : 0;
    return n >= 1 ? std::min(n, 1024) : std::max(1, int(std::thread::hardware_concurrency()));
}

std::atomic<int>& wanted_threads() {
    static std::atomic<int> n = default_threads();
    return n;
}

thread_local bool inside_body = false;

void serial(int64_t chunks, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < chunks; i++) body(i);
}

/// Tells the processor that this is a waiting loop.
void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/// Waits for `done` for a moment before its thread goes to sleep: waking it takes the kernel 5 to 50 us, and the next
/// hand-over often comes sooner. Bounded, and after its first moment the core is offered to whoever else can use it:
/// where threads outnumber cores that is the one waited for.
template <class Done>
void spin(Done done) {
    for (int i = 0; i < 64 && !done(); i++) pause();
    for (int i = 0; i < 200 && !done(); i++) std::this_thread::yield();  // some 60 us
}

/// One loop at a time is open. Workers join it while it is open and a seat is free, take chunks from a common counter,
/// and leave; the caller takes chunks too, closes the loop and waits for those inside: never for a worker that has not
/// woken.
class Pool {
  public:
    ~Pool() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        opened_.notify_all();
        for (std::thread& w : workers_) w.join();
    }

    /// False when another thread's loop is open.
    bool run(int64_t chunks, FunctionRef<void(int64_t)> body, int seats) {
        std::unique_lock one_loop(loop_mutex_, std::try_to_lock);
        if (!one_loop) return false;
        start_workers(seats);
        Loop loop{body, chunks};
        {
            std::lock_guard lock(mutex_);
            loop_ = &loop;
            seats_ = std::min<int>(seats, int(workers_.size()));
            generation_.store(generation_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        }
        for (int i = 0; i < seats; i++) opened_.notify_one();
        take_chunks(loop);
        spin([&] { return inside_.load(std::memory_order_relaxed) == 0; });
        std::unique_lock lock(mutex_);
        loop_ = nullptr;
        left_.wait(lock, [&] { return inside_ == 0; });
        lock.unlock();
        if (loop.error) std::rethrow_exception(loop.error);
        return true;
    }

  private:
    struct Loop {
        FunctionRef<void(int64_t)> body;
        int64_t chunks;
        std::atomic<int64_t> next{0};
        std::mutex mutex{};  // of the two below
        int64_t failed = 0;
        std::exception_ptr error{};
    };

    void take_chunks(Loop& loop) {
        inside_body = true;
        for (int64_t i; (i = loop.next.fetch_add(1)) < loop.chunks;) {
            try {
                loop.body(i);
            } catch (...) {
                loop.next = loop.chunks;
                std::lock_guard lock(loop.mutex);
                if (!loop.error || i < loop.failed) {
                    loop.error = std::current_exception();
                    loop.failed = i;
                }
            }
        }
        inside_body = false;
    }

    void start_workers(int wanted) {
        try {
            while (int(workers_.size()) < wanted) workers_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {  // the system gives no more threads: go on with those there are
        }
    }

    void work() {
        uint64_t seen = 0;
        for (;;) {
            spin([&] { return generation_.load(std::memory_order_acquire) != seen; });
            std::unique_lock lock(mutex_);
            opened_.wait(lock, [&] { return stop_ || generation_ != seen; });
            if (stop_) return;
            seen = generation_;
            if (!loop_ || seats_ == 0) continue;
            Loop& loop = *loop_;
            seats_--;
            inside_++;
            lock.unlock();
            take_chunks(loop);
            lock.lock();
            if (--inside_ == 0 && !loop_) left_.notify_one();
        }
    }

    std::mutex loop_mutex_;             // held by the caller of an open loop
    std::vector<std::thread> workers_;  // with loop_mutex_
    std::mutex mutex_;                  // of all below
    std::condition_variable opened_, left_;
    Loop* loop_ = nullptr;  // the open one
    int seats_ = 0;         // how many more workers may join it
    bool stop_ = false;
    std::atomic<int> inside_ = 0;           // workers in the loop; written under the mutex
    std::atomic<uint64_t> generation_ = 0;  // counts loops; written under the mutex
};

}  // namespace

int threads() { return inside_body ? 1 : wanted_threads().load(std::memory_order_relaxed); }

void set_threads(int n) {
    if (n < 1) throw std::invalid_argument("set_threads: the number of threads must be at least 1");
    wanted_threads() = n;
}

void parallel(int64_t chunks, FunctionRef<void(int64_t)> body) {
    int seats = int(std::min<int64_t>(threads(), chunks)) - 1;
    if (seats < 1 || inside_body) return serial(chunks, body);
    static Pool pool;
    if (!pool.run(chunks, body, seats)) serial(chunks, body);
}

}  // namespace unroll::kernels

#endif
