#include "cli/show_words.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "cli/checks.h"
#include "cli/output.h"

namespace attend::cli {

void add_words_out(CLI::App* verb, std::string& out) {
  verb->add_option("--out", out, "A page or the numbers; without it, the terminal")
      ->option_text("FILE.html|.json")
      ->check(path());
}

void check_words_out(const std::string& out) {
  if (!out.empty() && !out.ends_with(".html") && !out.ends_with(".json"))
    throw Error(fmt::format(
        "--out {}: a name that ends in .html or .json is accepted for the words that decided", out));
}

void show_words(const explain::WordScores& scores, const std::string& out) {
  check_words_out(out);
  if (out.empty()) {
    print(explain::to_terminal(
        scores,
        explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)))));
    return;
  }
  io::write_file_atomically(out,
                            out.ends_with(".html") ? explain::to_html(scores) : explain::to_json(scores));
  print(out + "\n");
}

}  // namespace attend::cli
