#include "cli/show_maps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "attend/base/error.h"
#include "attend/explain/html_page.h"
#include "attend/explain/json.h"
#include "attend/explain/png.h"
#include "attend/explain/terminal.h"
#include "attend/io/file.h"
#include "cli/checks.h"
#include "cli/output.h"

namespace attend::cli {

namespace {

enum class View { terminal, html, png, json };

View view_of(const std::string& out) {
  if (out.empty()) return View::terminal;
  if (out.ends_with(".html")) return View::html;
  if (out.ends_with(".png")) return View::png;
  if (out.ends_with(".json")) return View::json;
  throw Error(fmt::format("--out {}: a name that ends in .html, .png or .json is accepted", out));
}

}  // namespace

void add_map_options(CLI::App* verb, MapOptions& options) {
  verb->add_option("--layer", options.layer, "Layer, counted from 0 (default: the last; in a picture, all)")
      ->option_text("N")
      ->check(whole_number(0));
  verb->add_option("--head", options.head, "Head, counted from 0 (default: the mean; in a picture, all)")
      ->option_text("N")
      ->check(whole_number(0));
  verb->add_option("--out", options.out,
                   "A page, a picture or the numbers; without it, a heat map in the terminal")
      ->option_text("FILE.html|.png|.json")
      ->check(path());
}

void check_out(const MapOptions& options) {
  view_of(options.out);
}

void check_choice(const MapOptions& options, std::int64_t layers, std::int64_t heads) {
  const auto check = [](const char* name, const std::optional<std::int64_t>& given, std::int64_t count) {
    if (given && *given >= count)
      throw Error(
          fmt::format("{} {}: this model has {}, counted from 0 to {}", name, *given, count, count - 1));
  };
  check("--layer", options.layer, layers);
  check("--head", options.head, heads);
}

void show_maps(explain::AttentionMaps maps, const MapOptions& options, const std::string& below) {
  const View view = view_of(options.out);
  if (view != View::json) maps = explain::drawable(std::move(maps));
  switch (view) {
    case View::terminal: {
      explain::TerminalOptions terminal =
          explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)));
      terminal.layer = options.layer;
      terminal.head = options.head;
      print(explain::to_terminal(maps, terminal) + below);
      return;
    }
    case View::html:
      io::write_file_atomically(options.out, explain::to_html(maps, {.layer = options.layer.value_or(-1),
                                                                     .head = options.head.value_or(-1)}));
      break;
    case View::png: {
      const std::vector<std::byte> picture =
          explain::to_png(maps, {.layer = options.layer, .head = options.head});
      io::write_file_atomically(
          options.out, std::string_view(reinterpret_cast<const char*>(picture.data()), picture.size()));
      break;
    }
    case View::json:
      io::write_file_atomically(options.out, explain::to_json(maps));
      break;
  }
  print(options.out + "\n");
}

}  // namespace attend::cli
