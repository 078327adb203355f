#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attend/data/records.h"

namespace attend::data {

/// For the lines of a reader whose records decide what becomes of a bad one.
ReadOptions throwing(ReadOptions options);

/// Whether there is nothing but ASCII white space.
bool is_blank(std::string_view text);

/// "no column 'lable'; did you mean 'label'? There are: 'text', 'label'" for `kind` "column"; long lists are
/// cut.
std::string missing_name(std::string_view kind, std::string_view name, const std::vector<std::string>& known);

/// "1 column", "2 columns".
std::string counted(std::size_t count, std::string_view noun);

}  // namespace attend::data
