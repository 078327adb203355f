#pragma once

#include <cstdint>
#include <type_traits>

namespace attend {

/// Number of threads that parallel loops and oneDNN use. Starts as OpenMP's default (OMP_NUM_THREADS or the
/// cores).
int threads();

/// Sets the number of threads for every later loop. Throws Error unless 1 <= count <= 1024.
void set_threads(int count);

namespace detail {
void run_chunks(std::int64_t chunks, void (*call)(void*, std::int64_t), void* context);
}

/// Calls `body(begin, end)` for consecutive chunks of `grain` indices covering [0, count), on all threads.
///
/// The chunks depend on `count` and `grain` alone, never on the number of threads, so a body that writes one
/// partial result for each chunk gives the same bits for any number of threads. Inside another parallel loop
/// it runs serially. An exception thrown by the body is rethrown on the calling thread after the loop.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  struct Context {
    std::remove_reference_t<Body>* body;
    std::int64_t count, grain;
  } context{&body, count, grain};
  detail::run_chunks((count + grain - 1) / grain,
                     [](void* pointer, std::int64_t chunk) {
                       auto& c = *static_cast<Context*>(pointer);
                       const std::int64_t begin = chunk * c.grain;
                       const std::int64_t end = begin + c.grain < c.count ? begin + c.grain : c.count;
                       (*c.body)(begin, end);
                     },
                     &context);
}

}  // namespace attend
