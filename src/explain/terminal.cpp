#include "attend/explain/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <sstream>

#include "attend/base/error.h"
#include "explain/paint.h"
#include "explain/token_text.h"

namespace attend::explain {
namespace {

const std::string kIndent = "  ";
constexpr int kLongestRowLabel = 14;
constexpr int kTallestColumnLabel = 8;

std::string spaces(int count) {
  return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
}

std::string left_aligned(const std::string& text, int width) {
  return text + spaces(width - display_width(text));
}
std::string right_aligned(const std::string& text, int width) {
  return spaces(width - display_width(text)) + text;
}

std::vector<std::string> shown(const std::vector<std::string>& tokens, const TerminalOptions& options) {
  std::vector<std::string> result;
  for (const auto& token : tokens)
    result.push_back(show_token(token, options.unicode ? TokenStyle::kLabel : TokenStyle::kAscii));
  return result;
}

// The words of `text` on lines of at most `width` cells.
std::vector<std::string> wrapped(const std::string& text, int width) {
  std::vector<std::string> lines{""};
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool first = lines.back().empty();
    if (!first && display_width(lines.back()) + 1 + display_width(word) > width)
      lines.push_back(word);
    else
      lines.back() += first ? word : ' ' + word;
  }
  return lines;
}

// One matrix and everything that decides how it is laid out.
class HeatMap {
 public:
  HeatMap(const AttentionMaps& maps, const TerminalOptions& options);
  std::string text() const { return heading() + column_labels() + matrix() + top_keys(); }

 private:
  std::string heading() const;
  std::string column_labels() const;
  std::string matrix() const;
  std::string top_keys() const;
  std::string top_key(int query, int key, int width) const;

  std::string shorten(const std::string& label, int width) const {
    return fit(label, width, options_.unicode ? "…" : "~");
  }
  std::string row_label(int query) const {
    return right_aligned(shorten(queries_[query], label_width_), label_width_);
  }
  float weight(int query, int key) const {
    return weights_[static_cast<std::size_t>(query) * keys_.size() + key];
  }
  int last_key(int query) const {
    const int keys = static_cast<int>(keys_.size());
    return maps_.causal ? query + keys - static_cast<int>(queries_.size()) : keys - 1;
  }

  const AttentionMaps& maps_;
  TerminalOptions options_;
  Paint paint_;
  std::vector<float> weights_;
  std::vector<std::string> queries_, keys_;
  std::int64_t layer_;
  // A repeated token is told apart by its distance, which means something only if both sides are one text.
  bool same_text_;
  int label_width_ = 1;  // cells of the labels left of the matrix
  int cell_width_ = 2;   // cells of one key
  int first_query_ = 0, first_key_ = 0;
  int end_key_ = 0;
};

HeatMap::HeatMap(const AttentionMaps& maps, const TerminalOptions& options)
    : maps_(maps),
      options_(options),
      paint_(options),
      queries_(shown(maps.queries, options)),
      keys_(shown(maps.keys, options)),
      layer_(options.layer.value_or(maps.layers - 1)),
      same_text_(maps.queries == maps.keys) {
  weights_ = head_weights(maps, layer_, options.head);
  const int queries = static_cast<int>(queries_.size()), keys = static_cast<int>(keys_.size());
  first_query_ = std::max(0, queries - std::max(1, options.rows));
  for (int q = first_query_; q < queries; ++q)
    label_width_ = std::max(label_width_, std::min(display_width(queries_[q]), kLongestRowLabel));
  const int room = options.width - static_cast<int>(kIndent.size()) - label_width_ - 1;
  const bool wide_glyphs = std::any_of(keys_.begin(), keys_.end(), [](const std::string& key) {
    const auto parts = glyphs(key);
    return std::any_of(parts.begin(), parts.end(), [](const Glyph& glyph) { return glyph.width > 1; });
  });
  if (2 * keys > room && keys <= room && !wide_glyphs) cell_width_ = 1;
  end_key_ = keys;
  // One column of the room is for the weight on all earlier keys.
  if (cell_width_ * keys > room) first_key_ = keys - (room / cell_width_ - 1);
}

std::string HeatMap::heading() const {
  const std::string place =
      fmt::format("layer {} of {}, {}", layer_, maps_.layers,
                  options_.head      ? fmt::format("head {} of {}", *options_.head, maps_.heads)
                  : maps_.heads == 1 ? std::string("its only head")
                                     : fmt::format("mean of {} heads", maps_.heads));
  const std::string dash = options_.unicode ? " — " : " - ";
  std::string title = place;
  if (!maps_.title.empty())
    title = fit(glyphs(maps_.title).empty() ? "" : show_token(maps_.title, TokenStyle::kText),
                options_.width - static_cast<int>(kIndent.size()) - display_width(place) - 3,
                options_.unicode ? "…" : "~") +
            dash + place;
  std::replace(title.begin(), title.end(), '\n', ' ');
  std::replace(title.begin(), title.end(), '\t', ' ');
  std::string out = "\n" + kIndent + paint_.bold(title) + "\n";
  const char* strength = options_.color == ColorDepth::kNone ? "denser"
                         : options_.theme == Theme::kDark    ? "brighter"
                                                             : "darker";
  const std::string legend = fmt::format("Each row shows where its token looks; {} = more.", strength);
  constexpr int kScaleWidth = 18;  // "0 ", eight steps, " 100 %" and the space before
  const bool beside = 2 + display_width(legend) + kScaleWidth <= options_.width;
  for (const auto& line : wrapped(legend, options_.width - 2)) out += kIndent + paint_.dim(line) + "\n";
  if (beside) out.back() = ' ';
  out += (beside ? " " : kIndent) + paint_.dim("0 ");
  for (const float step : {0.0f, 0.02f, 0.08f, 0.18f, 0.32f, 0.5f, 0.72f, 1.0f}) out += paint_.cell(step, 1);
  return out + paint_.dim(" 100 %") + "\n\n";
}

// Tokens stand upright above their columns, one character a line, their ends beside the matrix.
std::string HeatMap::column_labels() const {
  std::vector<std::vector<Glyph>> labels;
  std::size_t height = 1;
  for (int k = first_key_; k < end_key_; ++k) {
    labels.push_back(glyphs(keys_[k]));
    if (labels.back().size() > kTallestColumnLabel) {
      labels.back().resize(kTallestColumnLabel - 1);
      labels.back().push_back({options_.unicode ? "⋮" : "~", 1});
    }
    height = std::max(height, labels.back().size());
  }
  std::string out;
  for (std::size_t line = 0; line < height; ++line) {
    std::string text = kIndent + spaces(label_width_ + 1);
    if (first_key_ > 0)
      text += left_aligned(line + 1 < height ? "" : options_.unicode ? "…" : "<", cell_width_);
    for (const auto& label : labels) {
      const std::size_t blank = height - label.size();
      text += line < blank ? spaces(cell_width_) : left_aligned(label[line - blank].text, cell_width_);
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string HeatMap::matrix() const {
  std::string out;
  if (first_query_ > 0) {
    const std::string note =
        fmt::format("{} the first {} rows are left out", options_.unicode ? "⋮" : ":", first_query_);
    out += kIndent + paint_.dim(note) + "\n";
  }
  if (first_key_ > 0) {
    const std::string note =
        fmt::format("{} = the {} earlier ones", options_.unicode ? "…" : "<", first_key_);
    out += kIndent + paint_.dim(note) + "\n";
  }
  for (int q = first_query_; q < static_cast<int>(queries_.size()); ++q) {
    out += kIndent + row_label(q) + " ";
    if (first_key_ > 0) {
      const float* row = weights_.data() + static_cast<std::size_t>(q) * keys_.size();
      out += paint_.cell(std::accumulate(row, row + first_key_, 0.0f), cell_width_);
    }
    for (int k = first_key_; k < std::min(end_key_, last_key(q) + 1); ++k)
      out += paint_.cell(weight(q, k), cell_width_);
    out += "\n";
  }
  return out;
}

// `width` cells: the key, its distance where both sides are one text, and its share.
std::string HeatMap::top_key(int query, int key, int width) const {
  const float value = weight(query, key);
  const std::string share = fmt::format("{:3.0f} %", 100.0f * value);
  std::string place = !same_text_ ? "" : query == key ? " itself" : fmt::format(" {:+d}", key - query);
  const int gap = 2, padding = options_.color == ColorDepth::kNone ? 0 : 1;
  const auto room = [&] { return width - gap - 2 * padding - static_cast<int>(place.size() + share.size()); };
  // A key named as its row needs no further word where there is no room for it.
  if (query == key && display_width(keys_[key]) > room()) place.clear();
  const std::string label = shorten(keys_[key], std::max(room(), 1));
  return paint_.chip(spaces(padding) + label + spaces(padding), value) + paint_.dim(place) +
         spaces(room() - display_width(label)) + share + spaces(gap);
}

std::string HeatMap::top_keys() const {
  if (options_.top < 1) return "";
  const int room = options_.width - static_cast<int>(kIndent.size()) - label_width_ - 2;
  const int least = same_text_ ? 16 : 11;
  const int columns = std::clamp(room / least, 1, options_.top);
  int longest = 1;
  for (const auto& key : keys_) longest = std::max(longest, display_width(key));
  const int column = std::min(room / columns, std::min(longest, kLongestRowLabel) + least);
  const std::string title = "Where each token looks most";
  const std::string note = !same_text_ ? "" : "  -2 = two tokens earlier";
  std::string out = "\n" + kIndent + paint_.bold(title);
  if (display_width(title + note) + 2 <= options_.width) out += paint_.dim(note);
  out += "\n";
  for (int q = first_query_; q < static_cast<int>(queries_.size()); ++q) {
    std::vector<int> order(static_cast<std::size_t>(last_key(q) + 1));
    std::iota(order.begin(), order.end(), 0);
    const int count = std::min<int>(columns, static_cast<int>(order.size()));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int a, int b) {
      return weight(q, a) != weight(q, b) ? weight(q, a) > weight(q, b) : a > b;
    });
    std::string line = kIndent + row_label(q) + "  ";
    for (int i = 0; i < count && weight(q, order[i]) > 0.0f; ++i) line += top_key(q, order[i], column);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

bool names_utf8(const char* locale) {
  std::string name(locale);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

TerminalOptions terminal_options(bool is_terminal, int width) {
  TerminalOptions options;
  options.width = std::max(width, 40);
  const std::string term = environment("TERM"), color_term = environment("COLORTERM");
  if (!is_terminal || !environment("NO_COLOR").empty() || term.empty() || term == "dumb")
    options.color = ColorDepth::kNone;
  else if (color_term == "truecolor" || color_term == "24bit")
    options.color = ColorDepth::kTrueColor;
  else
    options.color = ColorDepth::kAnsi256;
  options.unicode = false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = environment(name);
    if (locale.empty()) continue;
    options.unicode = names_utf8(locale.c_str());
    break;
  }
  // COLORFGBG is "ink;ground" with the sixteen colours numbered as in ANSI: 7 and 9 to 15 are light.
  const std::string grounds = environment("COLORFGBG");
  const std::string ground = grounds.substr(grounds.rfind(';') + 1);
  if (ground == "7" || (ground.size() == 1 && ground[0] == '9') || (ground.size() == 2 && ground[0] == '1'))
    options.theme = Theme::kLight;
  return options;
}

std::string to_terminal(const AttentionMaps& maps, const TerminalOptions& options) {
  check(maps);
  if (options.width < 40)
    throw Error(
        fmt::format("a heat map does not fit into {} columns, at least 40 are needed", options.width));
  return HeatMap(maps, options).text();
}

}  // namespace attend::explain
