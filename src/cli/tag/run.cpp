#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/data/line_reader.h"
#include "attend/task/tagger.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/texts.h"
#include "cli/use_options.h"

namespace attend::cli::tag {

namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

struct RunOptions : UseOptions {
  std::string file;
  std::vector<std::string> texts;  // else the lines of the file, else those of standard input
  bool skip_bad = false, json = false;
};

Words words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string shown(const Words& words, const task::SentenceTags& tags, bool json) {
  if (json) {
    const Json object = {{"words", words}, {"tags", tags.tags}, {"probabilities", tags.probabilities}};
    return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}\t{}\t{:.4f}\n", words[i], tags.tags[i], tags.probabilities[i]);
  return text + "\n";
}

void print_tags(const task::Tagger& model, const std::vector<Words>& sentences, bool json) {
  const std::vector<task::SentenceTags> tags = model.tag(sentences);
  for (std::size_t i = 0; i < sentences.size(); ++i) print(shown(sentences[i], tags[i], json));
}

void tag_lines(const task::Tagger& model, const std::string& path, const RunOptions& options) {
  constexpr std::size_t kSentencesAtOnce = 256;
  data::LineReader lines(path, reading(options.skip_bad));
  std::vector<Words> sentences;
  while (const auto line = lines.next()) {
    Words words = words_of(*line);
    if (!words.empty()) sentences.push_back(std::move(words));
    if (sentences.size() < kSentencesAtOnce) continue;
    print_tags(model, sentences, options.json);
    sentences.clear();
  }
  print_tags(model, sentences, options.json);
  print_skipped(lines.skipped());
}

int run(const RunOptions& options) {
  use_threads(options);
  const task::Tagger model(options.model, options.precision);
  std::vector<Words> given;
  for (const std::string& text : options.texts) {
    given.push_back(words_of(text));
    if (given.back().empty()) throw Error("TEXT is empty: words separated by spaces are needed");
  }
  if (!given.empty()) {
    print_tags(model, given, options.json);
    return kSuccess;
  }
  if (options.file.empty() && ::isatty(STDIN_FILENO) == 1)
    throw Error("no text: give sentences, --file FILE, or lines on standard input");
  tag_lines(model, options.file.empty() ? "/dev/stdin" : options.file, options);
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Use a model: tag the words of sentences");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  CLI::Option* texts =
      verb->add_option("text", options->texts,
                       "Sentences, their words separated by spaces (default: lines of standard input)")
          ->option_text("[TEXT...]");
  verb->add_option("--file", options->file, "A file with a sentence a line")
      ->option_text("FILE")
      ->excludes(texts)
      ->check(path());
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip bad lines");
  verb->add_flag("--json", options->json, "Print a JSON object a sentence");
  add_machine_options(verb, options);
  verb->footer(
      "Prints each word with its tag and the probability of the tag; an empty line ends a sentence.\n\n"
      "Examples:\n"
      "  attend run names \"Anna lives in Paris .\"\n"
      "  attend run names --file sentences.txt --json");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli::tag
