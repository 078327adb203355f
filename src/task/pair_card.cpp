#include "task/pair_card.h"

#include <fmt/format.h>

namespace attend::task {

namespace {

std::string code_of(const std::vector<std::string>& paths) {
  return card_code(fmt::format("{}", fmt::join(paths, " ")));
}

}  // namespace

CardRows pair_rows(const PairFacts& data) {
  return {
      {"Pairs", fmt::format("{} from {}", data.pairs, code_of(data.paths))},
      {"Held out", data.validation_paths.empty()
                       ? fmt::format("the last {} of them", data.validation_pairs)
                       : fmt::format("{} from {}", data.validation_pairs, code_of(data.validation_paths))}};
}

}  // namespace attend::task
