#include "attend/explain/confusion_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "attend/base/error.h"
#include "explain/html.h"
#include "explain/paint.h"
#include "explain/token_text.h"

namespace attend::explain {

namespace {

constexpr int kLongestLabel = 24;

std::int64_t total(const std::vector<std::int64_t>& row) {
  return std::accumulate(row.begin(), row.end(), std::int64_t{0});
}

float share(std::int64_t count, std::int64_t of) {
  return of == 0 ? 0.0F : static_cast<float>(static_cast<double>(count) / static_cast<double>(of));
}

struct Pair {
  std::int64_t count;
  std::size_t expected, predicted;
};

/// Classes taken for others, the most frequent first.
std::vector<Pair> confusions(const ConfusionMatrix& matrix) {
  std::vector<Pair> pairs;
  for (std::size_t e = 0; e < matrix.counts.size(); ++e)
    for (std::size_t p = 0; p < matrix.counts.size(); ++p)
      if (e != p && matrix.counts[e][p] > 0) pairs.push_back({matrix.counts[e][p], e, p});
  std::ranges::stable_sort(pairs, [](const Pair& a, const Pair& b) { return a.count > b.count; });
  return pairs;
}

std::string padded(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
}

class Table {
 public:
  Table(const ConfusionMatrix& matrix, const TerminalOptions& options)
      : matrix_(matrix), options_(options), paint_(options) {
    std::int64_t most = 0;
    for (const auto& row : matrix.counts)
      for (const std::int64_t count : row) most = std::max(most, count);
    for (const std::string& label : matrix.labels) {
      const std::string shown = show_token(label, options.unicode ? TokenStyle::kQuote : TokenStyle::kAscii);
      labels_.push_back(fit(shown, kLongestLabel, options.unicode ? "…" : "~"));
      label_width_ = std::max(label_width_, display_width(labels_.back()));
    }
    cell_width_ = 1 + std::max<int>(static_cast<int>(fmt::formatted_size("{}", most)),
                                    static_cast<int>(fmt::formatted_size("{}", matrix.labels.size())));
    const int room = (options.width - 7 - label_width_) / cell_width_;
    shown_ = std::min({matrix.labels.size(), static_cast<std::size_t>(std::max(1, room)),
                       static_cast<std::size_t>(std::max(1, options.rows))});
  }

  std::string text() const {
    std::string out =
        matrix_.title.empty() ? "" : paint_.bold(show_token(matrix_.title, TokenStyle::kQuote)) + "\n";
    out += paint_.dim("rows: the true class; columns: what was predicted") + "\n";
    out += std::string(static_cast<std::size_t>(label_width_ + 7), ' ');
    for (std::size_t p = 0; p < shown_; ++p) out += fmt::format("{:>{}}", p + 1, cell_width_);
    out += "\n";
    for (std::size_t e = 0; e < shown_; ++e) out += row(e);
    if (shown_ < labels_.size())
      out += paint_.dim(fmt::format("the first {} of {} classes", shown_, labels_.size())) + "\n";
    return out + most_confused();
  }

 private:
  std::string row(std::size_t e) const {
    const std::int64_t all = total(matrix_.counts[e]);
    std::string out = fmt::format("{:>5}  {}", e + 1, padded(labels_[e], label_width_));
    for (std::size_t p = 0; p < shown_; ++p) {
      const std::int64_t count = matrix_.counts[e][p];
      out += paint_.chip(fmt::format("{:>{}}", count, cell_width_), share(count, all));
    }
    return out + "\n";
  }

  std::string most_confused() const {
    std::string out;
    const std::vector<Pair> pairs = confusions(matrix_);
    for (std::size_t i = 0; i < std::min(pairs.size(), static_cast<std::size_t>(std::max(0, options_.top)));
         ++i)
      out += fmt::format("{} {} taken for {}\n", pairs[i].count, labels_[pairs[i].expected],
                         labels_[pairs[i].predicted]);
    return out;
  }

  const ConfusionMatrix& matrix_;
  const TerminalOptions& options_;
  Paint paint_;
  std::vector<std::string> labels_;
  int label_width_ = 1, cell_width_ = 2;
  std::size_t shown_ = 0;
};

}  // namespace

void check(const ConfusionMatrix& matrix) {
  const std::size_t classes = matrix.labels.size();
  if (classes == 0) throw Error("a confusion matrix of no classes; at least one is needed");
  if (matrix.counts.size() != classes)
    throw Error(fmt::format("a confusion matrix of {} classes with {} rows", classes, matrix.counts.size()));
  for (const auto& row : matrix.counts) {
    if (row.size() != classes)
      throw Error(
          fmt::format("a confusion matrix of {} classes with a row of {} counts", classes, row.size()));
    for (const std::int64_t count : row)
      if (count < 0)
        throw Error(fmt::format("a confusion matrix with the count {}; 0 or more is needed", count));
  }
}

std::string to_terminal(const ConfusionMatrix& matrix, const TerminalOptions& options) {
  check(matrix);
  return Table(matrix, options).text();
}

std::string to_html(const ConfusionMatrix& matrix) {
  check(matrix);
  const auto label = [&](std::size_t i) {
    return escape_html(show_token(matrix.labels[i], TokenStyle::kText));
  };
  std::string body =
      "<section class=\"card\"><div class=\"scroll\"><table class=\"report\">\n<thead><tr><th>true "
      "class</th>";
  for (std::size_t p = 0; p < matrix.labels.size(); ++p) body += "<th scope=\"col\">" + label(p) + "</th>";
  body += "<th>all</th></tr></thead>\n<tbody>\n";
  for (std::size_t e = 0; e < matrix.labels.size(); ++e) {
    const std::int64_t all = total(matrix.counts[e]);
    body += "<tr><th scope=\"row\">" + label(e) + "</th>";
    for (std::size_t p = 0; p < matrix.labels.size(); ++p) {
      const float part = share(matrix.counts[e][p], all);
      body += fmt::format("<td style=\"background: rgb({} / {:.1f}%)\" title=\"{:.1f} %\">{}</td>",
                          e == p ? "37 99 235" : "212 101 11", 60 * part, 100 * part, matrix.counts[e][p]);
    }
    body += fmt::format("<td>{}</td></tr>\n", all);
  }
  body += "</tbody>\n</table></div></section>\n";
  return plain_page(
      matrix.title.empty() ? "Confusion matrix" : matrix.title,
      "Each row is a true class, each column what was predicted: blue is right, orange is wrong, and "
      "the stronger the colour, the larger the part of the row.",
      body);
}

}  // namespace attend::explain
