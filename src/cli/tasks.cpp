#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/task/task.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

int list_tasks(bool json) {
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const task::Task& task : task::tasks()) {
      list.push_back({{"name", task.name},
                      {"learns", task.learns},
                      {"data", task.data},
                      {"model", task.model},
                      {"metric", task.metric}});
    }
    print(list.dump(2) + "\n");
    return kSuccess;
  }
  std::string text;
  for (const task::Task& task : task::tasks()) {
    text += fmt::format("{}\n  learns  {}\n  data    {}\n  model   {}\n  metric  {}\n", task.name,
                        task.learns, task.data, task.model, task.metric);
  }
  print(text);
  return kSuccess;
}

}  // namespace

void add_tasks(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = program.add_subcommand("tasks", "List what can be learnt, and which data each task takes");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print JSON");
  verb->footer("Example:\n  attend tasks");
  verbs.push_back({verb, [json] { return list_tasks(*json); }});
}

}  // namespace attend::cli
