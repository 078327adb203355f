#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/parallel.h"
#include "attend/task/tagger.h"
#include "cli/checks.h"
#include "cli/program.h"
#include "cli/show_maps.h"
#include "cli/tag/verbs.h"

namespace attend::cli::tag {

namespace {

struct TagSee {
  std::string model, text, precision = "f32";
  MapOptions map;
  std::int64_t threads = 0;
};

int see(const TagSee& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
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

void add_see(CLI::App& see_verb, std::vector<Verb>& verbs) {
  CLI::App* verb = see_verb.add_subcommand("tag", "Show where a model looks while it tags a sentence");
  auto options = std::make_shared<TagSee>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("text", options->text, "The sentence, its words separated by spaces")
      ->option_text("TEXT (required)")
      ->required();
  add_map_options(verb, options->map);
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
  verb->footer(
      "These are the weights that the model computed with, put together from word pieces to words. Below the "
      "heat map\nstand the tags.\n\n"
      "Examples:\n"
      "  attend see names \"Anna lives in Paris .\"\n"
      "  attend see names \"Anna lives in Paris .\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli::tag
