#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attend::data {

/// One step through UTF-8 text: the code point at the start of `text`, which is not empty, and its bytes.
/// Length 0: the bytes are not UTF-8.
struct CodePoint {
  std::int32_t value = -1;
  std::size_t length = 0;
};
CodePoint first_code_point(std::string_view text);

/// The place of the first byte that is not UTF-8; npos when there is none.
std::size_t find_invalid_utf8(std::string_view text);

/// The bytes of a code point in UTF-8.
std::string utf8_of(std::int32_t code_point);

/// Whether `text`, not empty, is the beginning of a character whose other bytes may still come.
bool is_incomplete_utf8(std::string_view text);

/// "line 3 (byte 57)" for the byte at `offset`; lines count from 1, bytes from 0.
std::string place_in(std::string_view text, std::size_t offset);

/// Throws Error "`what` is not UTF-8: ..." with the place of the first bad byte, unless `text` is UTF-8.
void require_utf8(std::string_view text, std::string_view what);

}  // namespace attend::data
