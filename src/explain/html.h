#pragma once

#include <string>
#include <string_view>

/// What pages of HTML share.
namespace attend::explain {

/// Text as it stands between tags or in an attribute in double quotes.
std::string escape_html(std::string_view text);

/// A whole page in the style of the attention page, without scripts: `title` and `lead` are text, `body` is
/// markup.
std::string plain_page(std::string_view title, std::string_view lead, std::string_view body);

}  // namespace attend::explain
