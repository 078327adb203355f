#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace attend::cli {

/// The layout of --help: the names of an option as they are typed, `--tied, --no-tied`; and verbs as they are
/// typed, `attend run`, without the task of the model.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
};

}  // namespace attend::cli
