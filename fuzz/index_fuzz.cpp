#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/embedding_index.h"
#include "attend/data/token_file.h"
#include "data/utf8.h"

namespace {

using attend::data::EmbeddingIndex;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const EmbeddingIndex& index) {
  require(index.size() > 0 && index.dim() > 0);
  for (std::int64_t i = 0; i < index.size(); ++i) {
    require(attend::data::find_invalid_utf8(index.text(i)) == std::string_view::npos);
    for (const float value : index.vectors(i, i + 1)) require(std::isfinite(value));
  }
}

void parse(std::span<const std::uint8_t> bytes) {
  try {
    check(EmbeddingIndex::parse(std::as_bytes(bytes), "file"));
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    require(!message.empty() && message.find('\n') == message.npos);
  }
}

}  // namespace

/// Any bytes give either an index whose every promise holds, or an Error of one line; so do they with a
/// checksum that fits, which chance would never find.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parse({data, size});
  if (size < 8) return 0;
  std::vector<std::uint8_t> mended(data, data + size);
  const std::uint64_t sum =
      attend::data::checksum({reinterpret_cast<const char*>(mended.data()), size - sizeof(std::uint64_t)});
  std::memcpy(mended.data() + size - sizeof sum, &sum, sizeof sum);
  parse(mended);
  return 0;
}
