#include "model/config_fields.h"

namespace attend::model {

void check(const HeadSizes& sizes, const char* dim) {
  if (sizes.dim % sizes.heads != 0)
    throw Error(fmt::format("heads {} do not divide {} {}: it must be a multiple of heads", sizes.heads, dim,
                            sizes.dim));
  const std::int64_t key_heads = sizes.key_heads == 0 ? sizes.heads : sizes.key_heads;
  const std::int64_t head_dim = sizes.dim / sizes.heads;
  if (sizes.heads % key_heads != 0)
    throw Error(fmt::format("key_heads {} do not divide heads {}: heads must be a multiple of key_heads",
                            sizes.key_heads, sizes.heads));
  if (head_dim > 256)
    throw Error(fmt::format("{} {} over heads {} makes {} features a head: at most 256 are possible", dim,
                            sizes.dim, sizes.heads, head_dim));
  if (sizes.positions == Positions::rotary && head_dim % 2 != 0)
    throw Error(
        fmt::format("dim {} over heads {} makes {} features a head: rotary positions need an even number",
                    sizes.dim, sizes.heads, head_dim));
  if (sizes.positions == Positions::sinusoidal && sizes.dim % 2 != 0)
    throw Error(fmt::format("dim {}: sinusoidal positions need an even number", sizes.dim));
}

}  // namespace attend::model
