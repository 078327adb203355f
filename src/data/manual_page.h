#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What Unix manual pages say, which are written in roff with the macros "man" (man(7)).
namespace attend::data {

/// What a manual page says of an error.
struct PageError {
  std::string code;         ///< "EACCES"
  std::string description;  ///< on one line; a code may have several, each an entry of its own
};

struct ManualPage {
  /// The entries of the section ERRORS, in the order of the page. An entry is a paragraph with a tag (.TP)
  /// that begins with a code; its codes behind the first ("EAGAIN or EWOULDBLOCK") are not told.
  std::vector<PageError> errors;
};

/// Reads a page; bytes that are not UTF-8 are Latin-1. None when the text is no manual page: it has no line
/// that names one (.TH, or .Dt of the macros "mdoc", whose errors are not read) and does not point to another
/// page (.so).
std::optional<ManualPage> read_manual_page(std::string_view text);

/// The words of a line of roff without its escapes: fonts, sizes and comments go, special characters become
/// what they stand for. White space is one space.
std::string plain_text(std::string_view roff);

}  // namespace attend::data
