#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace attend::cli {

/// The layout of --help: the names of an option as they are typed, `--tied, --no-tied`.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override;
};

}  // namespace attend::cli
