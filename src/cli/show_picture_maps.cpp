#include "cli/show_picture_maps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "cli/checks.h"
#include "cli/output.h"

namespace attend::cli {

void add_picture_map_output(CLI::App* verb, std::string& out) {
  verb->add_option("--out", out, "A page, a picture or the numbers; without it, the terminal")
      ->option_text("FILE.html|.png|.json")
      ->check(path());
}

void check_picture_map_output(const std::string& out) {
  if (!out.empty() && !out.ends_with(".html") && !out.ends_with(".png") && !out.ends_with(".json"))
    throw Error(fmt::format("--out {}: a name that ends in .html, .png or .json is accepted", out));
}

void show_picture_maps(const explain::PictureMaps& maps, const std::string& out) {
  if (out.empty()) {
    print(explain::to_terminal(
        maps,
        explain::terminal_options(stdout_is_terminal(), std::max(40, terminal_columns(STDOUT_FILENO)))));
    return;
  }
  if (out.ends_with(".png")) {
    const std::vector<std::byte> png = explain::to_png(maps);
    io::write_file_atomically(out, {reinterpret_cast<const char*>(png.data()), png.size()});
  } else {
    io::write_file_atomically(out, out.ends_with(".html") ? explain::to_html(maps) : explain::to_json(maps));
  }
  print(out + "\n");
}

}  // namespace attend::cli
