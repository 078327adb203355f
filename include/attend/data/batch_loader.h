#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "attend/data/language_model.h"

namespace attend::data {

struct BatchLoaderOptions {
  /// The index of the first batch.
  std::int64_t first = 0;
  /// The number of batches; below 0 without end.
  std::int64_t count = -1;
  /// How many finished batches may wait, at least 1.
  std::int64_t ahead = 2;
};

/// Prepares batches on a thread of its own while the caller computes with the last one. The batches come in
/// order, the same as without a loader.
class BatchLoader {
 public:
  /// `make(index)` is called for first, first + 1, ... on the other thread; what it refers to must outlive
  /// the loader. Throws Error when ahead is below 1.
  explicit BatchLoader(std::function<TokenBatch(std::int64_t)> make, const BatchLoaderOptions& options = {});

  /// Stops the thread, after the batch at work if there is one.
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// Whether next() has something left to give.
  bool has_next() const;

  /// Waits for the next batch. What `make` throws for it is thrown here, now and at every later call. Throws
  /// Error after the last batch. To be called by one thread.
  TokenBatch next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attend::data
