#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "attend/task/tagger.h"
#include "cli/program.h"
#include "cli/show_maps.h"
#include "cli/task_verbs.h"
#include "cli/use_options.h"

namespace attend::cli::tag {

namespace {

struct SeeOptions : UseOptions {
  std::string text;
  MapOptions map;
};

int see(const SeeOptions& options) {
  use_threads(options);
  check_out(options.map);
  const task::Tagger model(options.model, options.precision);
  const model::EncoderConfig& config = model.config().model.encoder;
  check_choice(options.map, config.layers, config.heads);
  std::istringstream stream(options.text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  task::TagSight sight = model.see(words);
  sight.maps.title = options.model;
  std::string tags = "tags:";
  for (std::size_t i = 0; i < words.size(); ++i)
    tags += fmt::format("  {} {} {:.1f} %", words[i], sight.tags.tags[i], 100 * sight.tags.probabilities[i]);
  show_maps(std::move(sight.maps), options.map, tags + "\n");
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Show where a model looks while it tags a sentence");
  auto options = std::make_shared<SeeOptions>();
  add_model_argument(verb, options);
  verb->add_option("text", options->text, "The sentence, its words separated by spaces")
      ->option_text("TEXT (required)")
      ->required();
  add_map_options(verb, options->map);
  add_machine_options(verb, options);
  verb->footer(
      "These are the weights that the model computed with, put together from word pieces to words. Below the "
      "heat map\nstand the tags.\n\n"
      "Examples:\n"
      "  attend see names \"Anna lives in Paris .\"\n"
      "  attend see names \"Anna lives in Paris .\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::tag
