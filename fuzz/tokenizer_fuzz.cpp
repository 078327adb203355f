#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attend/base/error.h"
#include "attend/data/tokenizer.h"
#include "data/tokenizer_kinds.h"

/// Any bytes, taken as tokenizer.json when they start with '{' and as tokenizer.model otherwise, give either
/// a tokenizer that gives text back unchanged, or an Error of one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kText = "a text  with\n\ttabs, \xc3\xa9 and \xf0\x9f\x98\x80 \xe2\x96\x81";
  try {
    const bool json = content.starts_with('{');
    const auto tokenizer = json ? attend::data::parse_json_tokenizer(content, "file")
                                : attend::data::parse_subword_tokenizer(content, "file");
    for (std::int32_t id = 0; id < tokenizer->size(); ++id) tokenizer->display_piece(id);
    if (tokenizer->decode(tokenizer->encode(kText)) != kText) std::abort();
  } catch (const attend::Error& error) {
    const std::string_view message = error.what();
    if (message.empty() || message.find('\n') != message.npos) std::abort();
  }
  return 0;
}
