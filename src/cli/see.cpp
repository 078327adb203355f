#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/explain/html_page.h"
#include "attend/explain/json.h"
#include "attend/explain/png.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "attend/task/language_model.h"
#include "cli/checks.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"
#include "explain/token_text.h"

namespace attend::cli {

namespace {

struct SeeOptions {
  std::string model, text, out, precision = "f32";
  std::optional<std::int64_t> layer, head;
  std::int64_t threads = 0;
};

enum class View { terminal, html, png, json };

View view_of(const std::string& out) {
  if (out.empty()) return View::terminal;
  if (out.ends_with(".html")) return View::html;
  if (out.ends_with(".png")) return View::png;
  if (out.ends_with(".json")) return View::json;
  throw Error(fmt::format("--out {}: a name that ends in .html, .png or .json is accepted", out));
}

std::string next_tokens(const task::Sight& sight) {
  std::string text = "next:";
  for (const auto& [piece, probability] : sight.next)
    text += fmt::format("  '{}' {:.1f} %", explain::show_token(piece, explain::TokenStyle::kQuote),
                        100 * probability);
  return text + "\n";
}

void check_choice(const SeeOptions& options, const model::GptConfig& config) {
  const auto check = [](const char* name, const std::optional<std::int64_t>& given, std::int64_t count) {
    if (given && *given >= count)
      throw Error(
          fmt::format("{} {}: this model has {}, counted from 0 to {}", name, *given, count, count - 1));
  };
  check("--layer", options.layer, config.layers);
  check("--head", options.head, config.heads);
}

int see(const SeeOptions& options) {
  if (options.threads > 0) set_threads(static_cast<int>(options.threads));
  const View view = view_of(options.out);
  const task::LanguageModel model(options.model, options.precision);
  check_choice(options, model.config().model);
  task::Sight sight = model.see(options.text);
  sight.maps.title = options.model;
  if (view != View::json) sight.maps = explain::drawable(std::move(sight.maps));
  switch (view) {
    case View::terminal: {
      explain::TerminalOptions terminal =
          explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)));
      terminal.layer = options.layer;
      terminal.head = options.head;
      print(explain::to_terminal(sight.maps, terminal) + next_tokens(sight));
      return kSuccess;
    }
    case View::html:
      io::write_file_atomically(options.out,
                                explain::to_html(sight.maps, {.layer = options.layer.value_or(-1),
                                                              .head = options.head.value_or(-1)}));
      break;
    case View::png: {
      const std::vector<std::byte> picture =
          explain::to_png(sight.maps, {.layer = options.layer, .head = options.head});
      io::write_file_atomically(
          options.out, std::string_view(reinterpret_cast<const char*>(picture.data()), picture.size()));
      break;
    }
    case View::json:
      io::write_file_atomically(options.out, explain::to_json(sight.maps));
      break;
  }
  print(options.out + "\n");
  return kSuccess;
}

}  // namespace

void add_see(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb = program.add_subcommand("see", "Show where a model looks while it reads a text");
  auto options = std::make_shared<SeeOptions>();
  verb->add_option("model", options->model, "The model folder")
      ->option_text("DIR (required)")
      ->required()
      ->check(path());
  verb->add_option("text", options->text, "The text to read")->option_text("TEXT (required)")->required();
  verb->add_option("--layer", options->layer, "Layer, counted from 0 (default: the last; in a picture, all)")
      ->option_text("N")
      ->check(whole_number(0));
  verb->add_option("--head", options->head, "Head, counted from 0 (default: the mean; in a picture, all)")
      ->option_text("N")
      ->check(whole_number(0));
  verb->add_option("--out", options->out,
                   "A page, a picture or the numbers; without it, a heat map in the terminal")
      ->option_text("FILE.html|.png|.json")
      ->check(path());
  verb->add_option("--precision", options->precision, "f32, bf16, or auto: bf16 where the processor has it")
      ->type_name("P")
      ->capture_default_str()
      ->check(one_of({"f32", "bf16", "auto"}));
  verb->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->option_text("N")
      ->check(whole_number(1, 1024));
  verb->footer(
      "These are the weights that the model computed with, and looking at them changes no bit of what it "
      "computes.\n"
      "Below the heat map stand the tokens that the model expects next.\n\n"
      "Examples:\n"
      "  attend see model \"The cat sat on the mat\"\n"
      "  attend see model \"The cat sat on the mat\" --layer 0 --head 2\n"
      "  attend see model \"The cat sat on the mat\" --out page.html");
  verbs.push_back({verb, [options] { return see(*options); }});
}

}  // namespace attend::cli
