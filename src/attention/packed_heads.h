#pragma once

#include "attend/base/parallel.h"
#include "attention/kernel_work.h"
#include "backend/kernels.h"

namespace attend::attention {

/// Keys and values of every key head as the kernels read them, for all threads.
class PackedHeads {
 public:
  explicit PackedHeads(const backend::AttentionForward& work)
      : key_heads_(work.shape.key_heads),
        group_(work.shape.heads / work.shape.key_heads),
        bytes_(static_cast<std::int64_t>(backend::kernels().attention.packed_bytes(work.shape))) {
    const auto& kernels = backend::kernels().attention;
    const std::size_t scratch_bytes = kernels.forward_scratch_bytes(work);
    const std::int64_t units = work.shape.batch * key_heads_;
    memory_ = Storage::allocate(static_cast<std::size_t>(bytes_ * units));
    parallel_for(units, 1, [&](std::int64_t begin, std::int64_t end) {
      std::shared_ptr<Storage> memory;
      for (std::int64_t unit = begin; unit < end; ++unit)
        kernels.pack(work, unit / key_heads_, unit % key_heads_, memory_->data() + unit * bytes_,
                     scratch(memory, scratch_bytes));
    });
  }

  /// What query head `head` looks at.
  const void* of(std::int64_t batch, std::int64_t head) const {
    return memory_->data() + (batch * key_heads_ + head / group_) * bytes_;
  }

 private:
  std::int64_t key_heads_, group_, bytes_;
  std::shared_ptr<Storage> memory_;
};

}  // namespace attend::attention
