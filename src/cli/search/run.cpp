#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attend/base/error.h"
#include "attend/task/text_search.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/task_verbs.h"
#include "cli/texts.h"
#include "cli/use_options.h"

namespace attend::cli::search {

namespace {

// Queries of a file that are worked on together.
constexpr std::size_t kQueriesAtOnce = 256;

struct RunOptions : UseOptions {
  std::string index, save, file;
  std::vector<std::string> queries;
  std::int64_t top = 10;
  bool skip_bad = false, json = false;
};

/// A saved index, or one made of lines.
data::EmbeddingIndex index_of(const task::TextSearch& model, const RunOptions& options) {
  if (data::EmbeddingIndex::is_index(options.index)) {
    if (!options.save.empty())
      throw Error(fmt::format("--save {}: {} is an index already", options.save, options.index));
    data::EmbeddingIndex index = data::EmbeddingIndex::load(options.index);
    model.check_index(index, options.index);
    return index;
  }
  data::SkippedRecords skipped;
  data::EmbeddingIndex index = model.index_lines(options.index, reading(options.skip_bad), &skipped);
  print_skipped(skipped);
  if (!options.save.empty()) {
    index.save(options.save);
    print_note(fmt::format("{}: {} lines, vectors of {}", options.save, index.size(), index.dim()));
  }
  return index;
}

void answer(const task::TextSearch& model, const data::EmbeddingIndex& index,
            const std::vector<std::string>& queries, const RunOptions& options, bool named) {
  const auto all = model.search(index, queries, options.top);
  std::string out;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    nlohmann::ordered_json object = {{"query", queries[q]}, {"found", nlohmann::ordered_json::array()}};
    if (named && !options.json) out += queries[q] + "\n";
    for (const task::Found& found : all[q]) {
      const std::string text(index.text(found.text));
      if (options.json)
        object["found"].push_back({{"line", found.text + 1}, {"score", found.score}, {"text", text}});
      else
        out += fmt::format("{}{:.4f}\t{}\t{}\n", named ? "  " : "", found.score, found.text + 1, text);
    }
    if (options.json) out += object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  print(out);
}

int run(const RunOptions& options) {
  use_threads(options);
  const task::TextSearch model(options.model, options.precision);
  const data::EmbeddingIndex index = index_of(model, options);
  if (!options.save.empty() && options.queries.empty() && options.file.empty()) return kSuccess;
  const std::unique_ptr<Texts> texts = texts_of(options.queries, options.file, reading(options.skip_bad));
  const bool named = options.queries.size() != 1;
  // Standard input may be a person, who waits for each answer.
  const std::size_t at_once = options.queries.empty() && options.file.empty() ? 1 : kQueriesAtOnce;
  std::vector<std::string> queries;
  while (auto query = texts->next()) {
    queries.push_back(std::move(*query));
    if (queries.size() < at_once) continue;
    answer(model, index, queries, options, named);
    queries.clear();
  }
  answer(model, index, queries, options, named);
  print_skipped(texts->skipped());
  return kSuccess;
}

}  // namespace

void add_run(CLI::App& parent, const char* task, std::vector<Verb>& verbs) {
  CLI::App* verb = parent.add_subcommand(task, "Find the lines that answer queries");
  auto options = std::make_shared<RunOptions>();
  add_model_argument(verb, options);
  verb->add_option("--index", options->index, "The lines to search: a text file, or an index made by --save")
      ->option_text("FILE (required)")
      ->required()
      ->check(path());
  verb->add_option("--save", options->save,
                   "Keep the index of the lines in this file; without a query, do no more")
      ->option_text("FILE")
      ->check(path());
  CLI::Option* queries =
      verb->add_option("--query", options->queries,
                       "What to look for; may be given several times (default: lines of standard input)")
          ->option_text("TEXT")
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--file", options->file, "A file with a query in each line")
      ->option_text("FILE")
      ->excludes(queries)
      ->check(path());
  verb->add_option("--top-k", options->top, "Lines for each query")
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(1, 1 << 30));
  verb->add_flag("--skip-bad", options->skip_bad, "Count and skip empty and bad lines");
  verb->add_flag("--json", options->json, "Print a JSON object for each query");
  add_machine_options(verb, options);
  verb->footer(
      "For each query the lines with the largest cosine: score, number and line. Every line is compared.\n\n"
      "Examples:\n"
      "  attend run model --index lines.txt --query \"play chess over the network\" --top-k 5\n"
      "  attend run model --index lines.txt --save lines.index\n"
      "  attend run model --index lines.index --json < queries.txt");
  verbs.push_back({verb, [options] { return run(*options); }});
}

}  // namespace attend::cli::search
