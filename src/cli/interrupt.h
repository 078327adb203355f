#pragma once

#include <atomic>

namespace attend::cli {

/// While one of these lives, Ctrl-C and SIGTERM set a flag instead of ending the program. The second one ends
/// it.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  const std::atomic<bool>& raised() const;
};

}  // namespace attend::cli
