#include "cli/pretrain/candidates.h"

#include <fmt/format.h>

#include "explain/token_text.h"

namespace attend::cli::pretrain {

std::string shown_candidates(const task::FilledText& filled) {
  std::string text;
  for (const auto& candidates : filled.candidates) {
    text += "[MASK]:";
    for (const auto& [token, probability] : candidates)
      text += fmt::format("  '{}' {:.1f} %", explain::show_token(token, explain::TokenStyle::kQuote),
                          100 * probability);
    text += "\n";
  }
  return text;
}

}  // namespace attend::cli::pretrain
