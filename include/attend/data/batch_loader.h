#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "attend/base/error.h"

namespace attend::data {

struct BatchLoaderOptions {
  /// The index of the first batch.
  std::int64_t first = 0;
  /// The number of batches; below 0 without end.
  std::int64_t count = -1;
  /// How many finished batches may wait, at least 1.
  std::int64_t ahead = 2;
};

/// Where the time of a loader went.
struct LoaderTimes {
  double making_seconds = 0;   ///< of the other thread in make()
  double waiting_seconds = 0;  ///< of the caller in next()
  std::int64_t made = 0, taken = 0;
};

/// Prepares batches on a thread of its own while the caller computes with the last one. The batches come in
/// order, the same as without a loader.
template <class Batch>
class BatchLoader {
 public:
  /// `make(index)` is called for first, first + 1, ... on the other thread; what it refers to must outlive
  /// the loader. Throws Error when ahead is below 1.
  explicit BatchLoader(std::function<Batch(std::int64_t)> make, const BatchLoaderOptions& options = {})
      : make_(std::move(make)), options_(options) {
    if (options.ahead < 1)
      throw Error("ahead: " + std::to_string(options.ahead) + " given, 1 or more accepted");
    thread_ = std::thread([this] { run(); });
  }

  /// Stops the thread, after the batch at work if there is one.
  ~BatchLoader() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// The index of the batch that next() gives.
  std::int64_t index() const { return options_.first + times_.taken; }

  /// Whether next() has something left to give.
  bool has_next() const { return options_.count < 0 || times_.taken < options_.count; }

  /// Since the loader was made.
  LoaderTimes times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }

  /// Waits for the next batch. What `make` throws for it is thrown here, now and at every later call. Throws
  /// Error after the last batch. To be called by one thread.
  Batch next() {
    if (!has_next()) throw Error("all " + std::to_string(options_.count) + " batches have been taken");
    const Clock::time_point begin = Clock::now();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty() || failure_; });
    times_.waiting_seconds += seconds_since(begin);
    // Batches made before the failure come first.
    if (ready_.empty()) std::rethrow_exception(failure_);
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    ++times_.taken;
    lock.unlock();
    changed_.notify_all();
    return batch;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void run() {
    for (std::int64_t made = 0; options_.count < 0 || made < options_.count; ++made) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock,
                      [this] { return stop_ || static_cast<std::int64_t>(ready_.size()) < options_.ahead; });
        if (stop_) return;
      }
      if (!prepare(options_.first + made)) return;
    }
  }

  /// Whether it could.
  bool prepare(std::int64_t index) {
    std::exception_ptr thrown;
    try {
      const Clock::time_point begin = Clock::now();
      Batch batch = make_(index);
      const std::lock_guard lock(mutex_);
      times_.making_seconds += seconds_since(begin);
      ++times_.made;
      ready_.push_back(std::move(batch));
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown) {
      const std::lock_guard lock(mutex_);
      failure_ = thrown;
    }
    changed_.notify_all();
    return !thrown;
  }

  // Fixed before the thread starts.
  std::function<Batch(std::int64_t)> make_;
  BatchLoaderOptions options_;

  // Shared; guarded by the mutex.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  LoaderTimes times_;  // `taken` is written by the caller's thread only
  bool stop_ = false;

  std::thread thread_;
};

template <class Make>
BatchLoader(Make, BatchLoaderOptions = {}) -> BatchLoader<std::invoke_result_t<Make, std::int64_t>>;

}  // namespace attend::data
