#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/data/line_reader.h"
#include "attend/task/text_to_text_model.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/text_to_text/write_options.h"
#include "cli/use_options.h"

namespace attend::cli::text_to_text {

namespace {

// Lines that are worked on together: enough to find texts of one length among them.
constexpr std::size_t kLinesAtOnce = 1024;

struct RunOptions : UseOptions {
  std::string file;
  std::vector<std::string> texts;
  task::WriteOptions write;
  bool json = false;
};

std::string pharaoh(const task::Hypothesis& hypothesis) {
  std::vector<std::string> links;
  for (const auto& [source, target] : hypothesis.alignment)
    links.push_back(fmt::format("{}-{}", source, target));
  return fmt::format("{}", fmt::join(links, " "));
}

std::string as_json(const std::string& text, const std::vector<task::Hypothesis>& hypotheses, bool aligned) {
  nlohmann::ordered_json result = {{"source", text}, {"hypotheses", nlohmann::ordered_json::array()}};
  for (const task::Hypothesis& hypothesis : hypotheses) {
    nlohmann::ordered_json one = {{"text", hypothesis.text},
                                  {"score", hypothesis.score},
                                  {"log_probability", hypothesis.log_probability},
                                  {"tokens", hypothesis.tokens}};
    if (aligned) one["alignment"] = hypothesis.alignment;
    result["hypotheses"].push_back(std::move(one));
  }
  return result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_all(const task::TextToText& model, const std::vector<std::string>& texts,
               const RunOptions& options) {
  const auto results = model.write(texts, options.write);
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (options.json) {
      out += as_json(texts[i], results[i], options.write.alignment);
      continue;
    }
    for (const task::Hypothesis& hypothesis : results[i]) {
      if (options.write.n_best > 1) out += fmt::format("{:.4f}\t", hypothesis.score);
      out += hypothesis.text;
      if (options.write.alignment) out += "\t" + pharaoh(hypothesis);
      out += '\n';
    }
  }
  print(out);
}

/// A line that is no text (an empty one, too) is answered in its place.
void write_lines(const task::TextToText& model, const std::string& file, const RunOptions& options) {
  data::LineReader lines(file);
  const bool one_by_one = file == "/dev/stdin" && ::isatty(STDIN_FILENO) == 1;
  std::vector<std::string> texts;
  while (const auto line = lines.next()) {
    texts.emplace_back(*line);
    if (texts.size() < (one_by_one ? 1 : kLinesAtOnce)) continue;
    write_all(model, texts, options);
    texts.clear();
  }
  if (!texts.empty()) write_all(model, texts, options);
}

int run(const RunOptions& options) {
  use_threads(options);
  task::validate(options.write);
  const task::TextToText model(options.model, options.precision);
  if (options.write.alignment) {
    const task::AlignmentHead head = model.alignment_head();
    print_note(fmt::format(
        "alignments from head {} of decoder layer {}, which looked at {:.0f} % of the pieces that "
        "held-out pairs have in common",
        head.head, head.layer, 100 * head.agreement));
  }
  if (!options.texts.empty())
    write_all(model, options.texts, options);
  else
    write_lines(model, options.file.empty() ? "/dev/stdin" : options.file, options);
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  const bool translates = std::string_view(task) == "translate";
  CLI::App* verb = parent.add_subcommand(task, translates ? "Translate texts" : "Summarise texts");
  auto options = std::make_shared<RunOptions>();
  options->precision = "auto";
  add_model_argument(verb, options);
  CLI::Option* texts =
      verb->add_option("texts", options->texts, "The texts (default: the lines of standard input)")
          ->option_text("[TEXT...]");
  verb->add_option("--file", options->file, "A file with a text in each line")
      ->option_text("FILE")
      ->excludes(texts)
      ->check(path());
  verb->add_flag("--json", options->json, "Print a JSON object for each text");
  add_write_options(verb, options->write);
  verb->add_option("--n-best", options->write.n_best, "Hypotheses for each text, with scores")
      ->type_name("N")
      ->capture_default_str()
      ->group(kWritingGroup)
      ->check(whole_number(1, 1024));
  verb->add_flag(
          "--alignment", options->write.alignment,
          "After a tab, the source word that each word looked at most, as SOURCE-TARGET (Pharaoh format), "
          "counted from 0")
      ->group(kWritingGroup);
  add_machine_options(verb, options);
  verb->footer(
      "One line for each text, in the same order.\n\n"
      "Examples:\n"
      "  attend run model \"A dog runs on the beach.\"\n"
      "  attend run model --file source.txt --beam 5 > target.txt\n"
      "  attend run model --json --n-best 3 < source.txt");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli::text_to_text
