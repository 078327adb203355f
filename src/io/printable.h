#pragma once

#include <string>
#include <string_view>

namespace attend::io {

/// `text`, which may come from a hostile file, in single quotes and fit for one line of an error message:
/// control and formatting characters and bytes that are not UTF-8 as \xHH, longer texts cut after about 60
/// bytes.
std::string printable(std::string_view text);

}  // namespace attend::io
