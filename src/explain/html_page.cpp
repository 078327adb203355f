#include "attend/explain/html_page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/base/parallel.h"
#include "attend/explain/color_map.h"
#include "explain/html.h"
#include "explain/pack.h"
#include "explain/page_files.h"
#include "explain/token_text.h"

namespace attend::explain {
namespace {

// In the order in which they run: each uses names of those before it only, main.js starts the page.
constexpr const char* kScripts[] = {"data.js",   "state.js",    "color.js",    "text_view.js", "top_list.js",
                                    "matrix.js", "overview.js", "controls.js", "main.js"};
constexpr std::int64_t kThumbnailSide = 48;

// JSON that cannot end the script element around it nor start a comment in it.
std::string script_json(const nlohmann::json& value) {
  std::string out;
  for (const char c : value.dump(-1, ' ', true)) {
    if (c == '<' || c == '>' || c == '&')
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

std::string hex_colors(Theme theme) {
  std::string out;
  for (const Rgb& color : heat_colors(theme))
    out += fmt::format("{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
  return out;
}

std::vector<std::string> shown(const std::vector<std::string>& tokens, TokenStyle style) {
  std::vector<std::string> result;
  for (const auto& token : tokens) result.push_back(show_token(token, style));
  return result;
}

// The packed weights of each layer's heads, followed by their mean.
struct Packed {
  std::vector<std::string> maps;
  std::string thumbnails;
};

Packed pack_all(const AttentionMaps& maps) {
  const std::int64_t columns = maps.heads + 1;
  Packed packed;
  packed.maps.resize(static_cast<std::size_t>(maps.layers * columns));
  std::vector<std::vector<std::uint8_t>> thumbnails(packed.maps.size());
  parallel_for(maps.layers * columns, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t head = i % columns;
      const auto weights =
          head_weights(maps, i / columns, head < maps.heads ? std::optional(head) : std::nullopt);
      packed.maps[static_cast<std::size_t>(i)] = pack(quantise(weights));
      thumbnails[static_cast<std::size_t>(i)] =
          thumbnail(weights, static_cast<std::int64_t>(maps.queries.size()),
                    static_cast<std::int64_t>(maps.keys.size()), kThumbnailSide);
    }
  });
  std::vector<std::uint8_t> all;
  for (const auto& one : thumbnails) all.insert(all.end(), one.begin(), one.end());
  packed.thumbnails = pack(all);
  return packed;
}

nlohmann::json describe(const AttentionMaps& maps, const HtmlOptions& options) {
  nlohmann::json about = {
      {"layers", maps.layers},
      {"heads", maps.heads},
      {"causal", maps.causal},
      {"start", {{"layer", options.layer < 0 ? maps.layers - 1 : options.layer}, {"head", options.head}}},
      {"thumbnailSide", kThumbnailSide},
      {"colors", {{"light", hex_colors(Theme::kLight)}, {"dark", hex_colors(Theme::kDark)}}},
      {"queries",
       {{"labels", shown(maps.queries, TokenStyle::kLabel)},
        {"texts", shown(maps.queries, TokenStyle::kText)}}},
  };
  // One text that looks at itself is stored and shown once.
  if (maps.queries != maps.keys)
    about["keys"] = {{"labels", shown(maps.keys, TokenStyle::kLabel)},
                     {"texts", shown(maps.keys, TokenStyle::kText)}};
  return about;
}

std::string data_elements(const AttentionMaps& maps, const HtmlOptions& options) {
  const Packed packed = pack_all(maps);
  std::string out = "<script type=\"application/json\" id=\"about\">" + script_json(describe(maps, options)) +
                    "</script>\n";
  out += "<script type=\"text/plain\" id=\"thumbnails\">" + packed.thumbnails + "</script>\n";
  for (std::size_t i = 0; i < packed.maps.size(); ++i)
    out += fmt::format("<script type=\"text/plain\" id=\"map-{}\">{}</script>\n", i, packed.maps[i]);
  return out;
}

// Fills in the marks {{name}} of the page in one pass, so that nothing inserted is searched for marks again.
std::string assemble(std::string_view page, const std::string& title, const std::string& data) {
  std::string out;
  while (true) {
    const auto open = page.find("{{");
    out += page.substr(0, open);
    if (open == std::string_view::npos) return out;
    const auto close = page.find("}}", open);
    const auto name = page.substr(open + 2, close - open - 2);
    if (name == "title")
      out += title;
    else if (name == "style")
      out += page_file("page.css");
    else if (name == "data")
      out += data;
    else if (name == "scripts")
      for (const char* script : kScripts) out.append(page_file(script)).append("\n");
    page.remove_prefix(close + 2);
  }
}

}  // namespace

std::string to_html(const AttentionMaps& maps, const HtmlOptions& options) {
  check(maps);
  // A layer or head that does not exist is found before the work of packing.
  head_weights(maps, options.layer == -1 ? maps.layers - 1 : options.layer,
               options.head == -1 ? std::nullopt : std::optional(options.head));
  const std::string title = maps.title.empty() ? "Attention" : show_token(maps.title, TokenStyle::kText);
  std::string page = assemble(page_file("page.html"), escape_html(title), data_elements(maps, options));
  if (static_cast<std::int64_t>(page.size()) > options.max_bytes)
    throw Error(
        fmt::format("the page would take {} bytes, at most {} are accepted: show a shorter text, or write "
                    "a picture or JSON instead",
                    page.size(), options.max_bytes));
  return page;
}

}  // namespace attend::explain
