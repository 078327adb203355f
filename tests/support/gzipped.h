#pragma once

#include <string>

namespace attend::test {

/// What gzip makes of this content.
std::string gzipped(const std::string& content);

}  // namespace attend::test
