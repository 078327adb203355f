#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/dataset.h"
#include "cli/checks.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

struct DataOptions {
  std::string name, out, cache;
  std::int64_t fold = 0, scenes = 0;
  bool refresh = false, json = false;
};

std::vector<std::string> names() {
  std::vector<std::string> result = {"list"};
  for (const task::Dataset& dataset : task::datasets()) result.push_back(dataset.name);
  return result;
}

int list_datasets(bool json) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::string text;
  for (const task::Dataset& dataset : task::datasets()) {
    list.push_back({{"name", dataset.name},
                    {"task", dataset.use},
                    {"about", dataset.about},
                    {"record", dataset.record}});
    text += fmt::format("{}\n  task   {}\n  holds  {}\n  lines  {}\n", dataset.name, dataset.use,
                        dataset.about, dataset.record);
  }
  print(json ? list.dump(2) + "\n" : text);
  return kSuccess;
}

std::filesystem::path cache_folder(const std::string& given) {
  if (!given.empty()) return given;
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto base = variable("XDG_CACHE_HOME"); base.is_absolute()) return base / "attend";
  if (const auto home = variable("HOME"); home.is_absolute()) return home / ".cache" / "attend";
  throw Error("neither XDG_CACHE_HOME nor HOME names a folder for fetched lists: --cache DIR needed");
}

std::string quoted(const std::string& word) {
  if (!word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                              "/._-+:@%") == std::string::npos)
    return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

int prepare(const DataOptions& options) {
  if (options.name == "list") return list_datasets(options.json);
  if (options.out.empty()) throw Error("--out DIR is needed: the folder to make");
  const InterruptFlag interrupt;
  const task::DatasetResult result = task::prepare_dataset(
      {.name = options.name,
       .out = options.out,
       .cache = cache_folder(options.cache),
       .fold = options.fold,
       .scenes = options.scenes,
       .refresh = options.refresh,
       .command = fmt::format("attend data {}{}{} --out {}", options.name,
                              options.fold > 0 ? fmt::format(" --fold {}", options.fold) : "",
                              options.scenes > 0 ? fmt::format(" --scenes {}", options.scenes) : "",
                              quoted(options.out)),
       .stop = &interrupt.raised(),
       .say = [](const std::string& line) { print_error(line); }});
  if (result.stopped) {
    print_error("interrupted; nothing was made");
    return kInterrupted;
  }
  nlohmann::ordered_json files = nlohmann::ordered_json::object();
  std::string text = options.out + ":";
  for (const task::DatasetFile& file : result.files) {
    files[file.name] = file.records ? nlohmann::ordered_json(*file.records) : nullptr;
    text += file.records ? fmt::format(" {} {} {},", file.name, *file.records, result.unit)
                         : fmt::format(" {},", file.name);
  }
  text.back() = '\n';
  if (result.bad_records > 0) text += fmt::format("{} bad records were passed over\n", result.bad_records);
  print(options.json ? nlohmann::ordered_json{{"out", options.out},
                                              {"unit", result.unit},
                                              {"files", files},
                                              {"bad_records", result.bad_records}}
                               .dump(2) +
                           "\n"
                     : text);
  return kSuccess;
}

}  // namespace

void add_data(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = program.add_subcommand("data", "Make a data set from Debian's archive");
  auto options = std::make_shared<DataOptions>();
  verb->add_option("name", options->name, "Which one; 'list' tells which there are")
      ->option_text("LIST|NAME (required)")
      ->required()
      ->check(one_of(names()));
  verb->add_option("--out", options->out, "The folder to make: train, valid, test and README.md")
      ->option_text("DIR")
      ->check(path());
  verb->add_option("--cache", options->cache,
                   "For lists that the machine's apt does not have (default: attend in ~/.cache)")
      ->option_text("DIR")
      ->check(path());
  verb->add_option("--fold", options->fold, "For cross-validation: other groups to measure on (default: 0)")
      ->option_text("N")
      ->check(whole_number(0, 1000));
  verb->add_option("--scenes", options->scenes, "Scenes to learn from (fashion-scenes alone; default: 16000)")
      ->option_text("N")
      ->check(whole_number(1, 99999));
  verb->add_flag("--refresh", options->refresh, "Fetch the lists again");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "What the machine lacks is fetched by its own apt from the mirror that /etc/apt names, with checksums\n"
      "and signatures checked, without root; nothing is installed.\n\n"
      "Examples:\n"
      "  attend data list\n"
      "  attend data debian-en-fr --out en-fr\n"
      "  attend data sherlock --out sherlock");
  verbs.push_back({verb, [options] { return prepare(*options); }});
}

}  // namespace attend::cli
