#include "attend/data/batch_loader.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "attend/base/error.h"

namespace attend::data {

struct BatchLoader::State {
  // Fixed before the thread starts.
  std::function<TokenBatch(std::int64_t)> make;
  BatchLoaderOptions options;

  // Used by the caller's thread only.
  std::int64_t taken = 0;

  // Shared; guarded by the mutex.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<TokenBatch> ready;
  std::exception_ptr failure;
  bool stop = false;

  std::thread thread;

  void run() {
    for (std::int64_t made = 0; options.count < 0 || made < options.count; ++made) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stop || static_cast<std::int64_t>(ready.size()) < options.ahead; });
        if (stop) return;
      }
      TokenBatch batch;
      std::exception_ptr thrown;
      try {
        batch = make(options.first + made);
      } catch (...) {
        thrown = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex);
        if (thrown) {
          failure = thrown;
        } else {
          ready.push_back(std::move(batch));
        }
      }
      changed.notify_all();
      if (thrown) return;
    }
  }
};

BatchLoader::BatchLoader(std::function<TokenBatch(std::int64_t)> make, const BatchLoaderOptions& options)
    : state_(std::make_unique<State>()) {
  if (options.ahead < 1) throw Error(fmt::format("ahead: {} given, 1 or more accepted", options.ahead));
  state_->make = std::move(make);
  state_->options = options;
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

bool BatchLoader::has_next() const {
  return state_->options.count < 0 || state_->taken < state_->options.count;
}

TokenBatch BatchLoader::next() {
  if (!has_next()) throw Error(fmt::format("all {} batches have been taken", state_->options.count));
  TokenBatch batch;
  {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return !state_->ready.empty() || state_->failure; });
    // Batches made before the failure come first.
    if (state_->ready.empty()) std::rethrow_exception(state_->failure);
    batch = std::move(state_->ready.front());
    state_->ready.pop_front();
  }
  state_->changed.notify_all();
  ++state_->taken;
  return batch;
}

}  // namespace attend::data
