#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "attend/base/error.h"
#include "attend/train/observer.h"

namespace attend::test {

/// Collects what is said, and does something after an update.
struct Watcher : train::Observer {
  std::string said;
  std::int64_t updates = 0, stop_after = -1;
  std::atomic<bool> stop{false};
  bool fail_at_message = false;

  void on_step(const train::StepReport& report) override {
    ++updates;
    if (report.step == stop_after) stop = true;
  }
  void on_message(std::string_view line) override {
    if (fail_at_message) throw Error("the observer fails");
    said += std::string(line) + "\n";
  }
};

}  // namespace attend::test
