// Writes the pages that page_test.py opens, and the numbers it should find in them, into a folder.
#include <fstream>
#include <iostream>

#include "attend/explain/html_page.h"
#include "attend/explain/json.h"
#include "attend/explain/png.h"
#include "attend/explain/terminal.h"
#include "explain/synthetic.h"

using namespace attend::explain;

namespace {

void write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void write_all(const std::string& path, const AttentionMaps& maps) {
  write(path + ".html", to_html(maps));
  write(path + ".json", to_json(maps));
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    const auto png = to_png(maps, {.theme = theme});
    write(path + (theme == Theme::kLight ? ".png" : "-dark.png"),
          std::string(reinterpret_cast<const char*>(png.data()), png.size()));
  }
  write(path + ".txt", to_terminal(maps));
}

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> tokens;
  for (const char c : text) tokens.emplace_back(1, c);
  return tokens;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_page FOLDER\n";
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";

  AttentionMaps plain = synthetic_maps(words(), 3, 4);
  plain.title = "A Tale of Two Cities, small model";
  write_all(folder + "words", plain);

  AttentionMaps hostile = synthetic_maps(
      {"</script><img src=x onerror=alert(1)>", "<!--<script>", "\xE2\x80", "\x1b[31m", "{{data}}", "\n", "",
       " ", "\xE2\x80\xAE", "&lt;", "e\xCC\x81", "\xF0\x9F\x98\x80", "\xE4\xB8\xAD"},
      2, 3);
  hostile.title = "</title><script>alert(1)</script> \xFF {{scripts}}";
  write_all(folder + "hostile", hostile);

  AttentionMaps letters = synthetic_maps(
      characters(
          "To Sherlock Holmes she is always the woman.\nI have seldom heard him mention her under any other "
          "name."),
      4, 4);
  letters.title = "Characters";
  write_all(folder + "letters", letters);

  AttentionMaps two = synthetic_maps(words(), 2, 2, false);
  two.title = "Two texts";
  two.queries = {"Es", " war", " die", " beste", " Zeit"};
  two.weights.resize(2 * 2 * two.queries.size() * two.keys.size());
  write_all(folder + "two", two);

  AttentionMaps one = synthetic_maps({"x"}, 1, 1);
  write_all(folder + "one", one);

  std::vector<std::string> many;
  for (int i = 0; i < 1024; ++i) many.push_back(words()[static_cast<std::size_t>(i * i / 3 % 31)]);
  AttentionMaps large = synthetic_maps(many, 4, 6);
  large.title = "A long text";
  write(folder + "large.html", to_html(large));
  return 0;
}
