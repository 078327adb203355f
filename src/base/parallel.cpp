#include "attend/base/parallel.h"

#include <fmt/format.h>
#include <omp.h>

#include <exception>

#include "attend/base/error.h"

namespace attend {

int threads() {
  return omp_get_max_threads();
}

void set_threads(int count) {
  if (count < 1 || count > 1024) throw Error(fmt::format("threads: {} given, 1 to 1024 accepted", count));
  omp_set_num_threads(count);
}

namespace detail {

void run_chunks(std::int64_t chunks, void (*call)(void*, std::int64_t), void* context) {
  if (chunks == 1 || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) call(context, chunk);
    return;
  }
  // An exception must not leave an OpenMP region: the one of the lowest chunk is kept, as a serial loop
  // would.
  std::exception_ptr failure;
  std::int64_t failed_chunk = chunks;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    try {
      call(context, chunk);
    } catch (...) {
#pragma omp critical(attend_parallel_failure)
      if (chunk < failed_chunk) {
        failed_chunk = chunk;
        failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail
}  // namespace attend
