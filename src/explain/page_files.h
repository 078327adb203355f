#pragma once

#include <string_view>

namespace attend::explain {

/// Content of a file of src/explain/page, put into the library at build time. `name` must be one of them.
std::string_view page_file(std::string_view name);

}  // namespace attend::explain
