#include "cli/model_facts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/io/file.h"
#include "attend/io/safetensors.h"
#include "attend/task/task.h"
#include "cli/generate/info.h"
#include "cli/output.h"
#include "cli/program.h"

namespace attend::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxConfigBytes = 16 << 20;

/// A list is shown by its length: it may be every label of a model.
std::string line_of(const Json& section) {
  if (section.is_string()) return section.get<std::string>();
  if (!section.is_object()) return section.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::vector<std::string> facts;
  for (const auto& item : section.items()) {
    const Json& value = item.value();
    const std::string shown = value.is_string()  ? value.get<std::string>()
                              : value.is_array() ? fmt::format("{} entries", value.size())
                                                 : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    facts.push_back(fmt::format("{} {}", item.key(), shown));
  }
  return fmt::format("{}", fmt::join(facts, ", "));
}

/// Every section of config.json.
int show_sections(const std::filesystem::path& folder, bool json) {
  Json config = Json::parse(io::read_file(folder / "config.json", kMaxConfigBytes));
  // What an agent is made of are models of their own.
  const bool agent = config["task"] == "converse";
  const std::optional<std::int64_t> parameters = parameters_of_model(agent ? folder / "search" : folder);
  config.erase("format");
  config.erase("attend");
  if (json) {
    config["parameters"] = parameters ? Json(*parameters) : Json(nullptr);
    print(config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return kSuccess;
  }
  std::string text;
  for (const auto& item : config.items())
    text += fmt::format("{:<11} {}\n", item.key(), line_of(item.value()));
  text += parameters ? fmt::format("parameters  {}\n", *parameters) : "parameters  none saved yet\n";
  print(text);
  return kSuccess;
}

}  // namespace

std::optional<std::int64_t> parameters_of_model(const std::filesystem::path& folder) {
  const std::filesystem::path weights = folder / "model.safetensors";
  if (!std::filesystem::exists(weights)) return std::nullopt;
  const io::SafetensorsFile file = io::SafetensorsFile::open(weights);
  std::int64_t count = 0;
  for (const io::SafetensorsEntry& entry : file.entries())
    count += static_cast<std::int64_t>(entry.data.size() / size_of(entry.dtype));
  return count;
}

int show_model(const std::filesystem::path& folder, bool json) {
  if (task::task_of_folder(folder).name == "generate") return generate::show_model(folder, json);
  return show_sections(folder, json);
}

}  // namespace attend::cli
