#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "attend/base/error.h"
#include "attend/io/safetensors.h"

/// Any bytes give either a file whose every promise holds, or an Error of one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = attend::io::SafetensorsFile::from_memory(std::as_bytes(std::span(data, size)));
    volatile std::size_t sum = 0;
    for (const auto& entry : file.entries()) {
      std::size_t bytes = attend::size_of(entry.dtype);
      for (const std::int64_t length : entry.shape) bytes *= static_cast<std::size_t>(length);
      if (bytes != entry.data.size() || file.find(entry.name) != &entry) std::abort();
      for (const std::byte b : entry.data) sum = sum + std::to_integer<std::size_t>(b);
    }
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    if (message.empty() || message.find('\n') != message.npos) std::abort();
  }
  return 0;
}
