#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attend/explain/terminal.h"

namespace attend::explain {

/// Which classes were taken for which.
struct ConfusionMatrix {
  std::string title;                ///< shown above every picture; may be empty
  std::vector<std::string> labels;  ///< of the classes; may be any bytes
  /// counts[e][p]: items of class e that were said to be p.
  std::vector<std::vector<std::int64_t>> counts;
};

/// Throws Error unless there is at least one class and as many counts as classes on both sides, none below 0.
void check(const ConfusionMatrix& matrix);

/// A table as lines of text: a row for each true class with its counts and, in colours or shades, the parts
/// of the row; columns are numbered like the rows. Classes that do not fit in the width are cut off, and a
/// last line says so; below stand the pairs of classes that are confused most often. Of the options width,
/// rows (most classes), top (pairs listed), color, unicode and theme count. Throws Error if check() does.
std::string to_terminal(const ConfusionMatrix& matrix, const TerminalOptions& options = {});

/// One HTML file that needs no network. Labels and title are data, never markup. Throws Error if check()
/// does.
std::string to_html(const ConfusionMatrix& matrix);

}  // namespace attend::explain
