#include "cli/help.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "cli/folder_verbs.h"

namespace attend::cli {

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool positional) const {
  if (positional) return option->get_name(true);
  std::vector<std::string> names;
  for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  if (is_folder_verb(app)) return "Usage: " + name + " DIR [OPTIONS]\n";
  if (is_task_of_folder_verb(app)) name.resize(name.rfind(' '));
  return CLI::Formatter::make_usage(app, std::move(name));
}

}  // namespace attend::cli
