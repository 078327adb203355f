#include "io/printable.h"

#include <fmt/format.h>
#include <utf8proc.h>

namespace attend::io {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string result = "'";
  std::size_t i = 0;
  while (i < text.size() && i < kLongest) {
    utf8proc_int32_t code = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                                         static_cast<utf8proc_ssize_t>(text.size() - i), &code);
    const auto category = length > 0 ? utf8proc_category(code) : UTF8PROC_CATEGORY_CC;
    if (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
        category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      ++i;
    } else {
      result.append(text, i, static_cast<std::size_t>(length));
      i += static_cast<std::size_t>(length);
    }
  }
  return result + (i < text.size() ? "'..." : "'");
}

}  // namespace attend::io
