#include "attend/task/classify_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "explain/html.h"
#include "explain/token_text.h"

namespace attend::task {

namespace {

constexpr int kLongestLabel = 24;

std::string shown(const std::string& label, const explain::TerminalOptions& options) {
  const auto style = options.unicode ? explain::TokenStyle::kQuote : explain::TokenStyle::kAscii;
  return explain::fit(explain::show_token(label, style), kLongestLabel, options.unicode ? "…" : "~");
}

std::string class_table(const ColumnEvaluation& column, const std::string& unit,
                        const explain::TerminalOptions& options) {
  std::vector<std::string> labels;
  int width = 5;
  for (const std::string& label : column.labels) {
    labels.push_back(shown(label, options));
    width = std::max(width, explain::display_width(labels.back()));
  }
  const auto padded = [&](const std::string& text) {
    return text + std::string(static_cast<std::size_t>(width - explain::display_width(text)), ' ');
  };
  std::string out = fmt::format("  {}  precision  recall      F1{:>8}\n", padded("class"), unit);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const metric::ClassScore& score = column.score.by_class[i];
    out += fmt::format("  {}     {:.4f}  {:.4f}  {:.4f}  {:6}\n", padded(labels[i]), score.score.precision,
                       score.score.recall, score.score.f1, score.expected);
  }
  return out;
}

std::string summary(const ColumnEvaluation& column) {
  return fmt::format("accuracy {:.4f}, {}macro-F1 {:.4f}, loss {:.4f} nats, calibration error {:.4f}",
                     column.score.accuracy, column.top5 ? fmt::format("top-5 {:.4f}, ", *column.top5) : "",
                     column.score.macro.f1, column.loss, column.calibration.error);
}

std::string counts(const ClassifyEvaluation& evaluation) {
  std::string text = fmt::format("{} {}", evaluation.texts, evaluation.unit);
  if (evaluation.cut > 0) text += fmt::format(", {} longer than the context and cut", evaluation.cut);
  if (evaluation.skipped.count > 0)
    text += fmt::format(", {} bad records skipped (the first: {})", evaluation.skipped.count,
                        evaluation.skipped.first);
  return text;
}

/// What stands between <body> and </body> of a matrix's page, apart from its header.
std::string matrix_html(const ColumnEvaluation& column) {
  const std::string page = explain::to_html(confusion_of(column));
  const std::size_t begin = page.find("<main>") + 7, end = page.rfind("</main>");
  return page.substr(begin, end - begin);
}

nlohmann::ordered_json json_of(const metric::PrecisionRecall& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"f1", score.f1}};
}

nlohmann::ordered_json json_of(const ColumnEvaluation& column) {
  nlohmann::ordered_json object = {{"column", column.column},
                                   {"accuracy", column.score.accuracy},
                                   {"macro", json_of(column.score.macro)},
                                   {"loss", column.loss},
                                   {"calibration_error", column.calibration.error},
                                   {"classes", nlohmann::ordered_json::array()},
                                   {"confusion", column.score.confusion},
                                   {"calibration_bins", nlohmann::ordered_json::array()}};
  if (column.top5) object["top5"] = *column.top5;
  for (std::size_t i = 0; i < column.labels.size(); ++i) {
    const metric::ClassScore& score = column.score.by_class[i];
    nlohmann::ordered_json row = {{"label", column.labels[i]}};
    row.update(json_of(score.score));
    row["expected"] = score.expected;
    row["predicted"] = score.predicted;
    object["classes"].push_back(row);
  }
  for (const metric::CalibrationBin& bin : column.calibration.bins)
    object["calibration_bins"].push_back(
        {{"count", bin.count}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  return object;
}

}  // namespace

explain::ConfusionMatrix confusion_of(const ColumnEvaluation& column) {
  return {.title = column.column, .labels = column.labels, .counts = column.score.confusion};
}

std::string to_terminal(const ClassifyEvaluation& evaluation, const explain::TerminalOptions& options) {
  std::string out = counts(evaluation) + "\n";
  for (const ColumnEvaluation& column : evaluation.columns) {
    explain::ConfusionMatrix matrix = confusion_of(column);
    matrix.title.clear();
    out += fmt::format("\n{}: {}\n\n{}\n{}", shown(column.column, options), summary(column),
                       class_table(column, evaluation.unit, options), explain::to_terminal(matrix, options));
  }
  return out;
}

std::string to_html(const ClassifyEvaluation& evaluation, const std::string& title) {
  using explain::escape_html;
  using explain::show_token;
  using explain::TokenStyle;
  std::string body;
  for (const ColumnEvaluation& column : evaluation.columns) {
    body += fmt::format(
        "<section class=\"card\"><h2>{}</h2><p class=\"note\">{}</p>\n<table class=\"report\">"
        "<thead><tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>{}</th>"
        "</tr></thead>\n<tbody>\n",
        escape_html(show_token(column.column, TokenStyle::kText)), summary(column), evaluation.unit);
    for (std::size_t i = 0; i < column.labels.size(); ++i) {
      const metric::ClassScore& score = column.score.by_class[i];
      body += fmt::format(
          "<tr><th scope=\"row\">{}</th><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{}</td></tr>\n",
          escape_html(show_token(column.labels[i], TokenStyle::kText)), score.score.precision,
          score.score.recall, score.score.f1, score.expected);
    }
    body += "</tbody></table></section>\n" + matrix_html(column);
  }
  return explain::plain_page(
      title,
      counts(evaluation) +
          ". In the matrices each row is a true class, each column what was predicted: blue is "
          "right, orange is wrong.",
      body);
}

std::string to_json(const ClassifyEvaluation& evaluation) {
  nlohmann::ordered_json object = {{evaluation.unit, evaluation.texts}};
  if (evaluation.unit == "texts") object["cut"] = evaluation.cut;
  object["skipped"] = evaluation.skipped.count;
  object["columns"] = nlohmann::ordered_json::array();
  for (const ColumnEvaluation& column : evaluation.columns) object["columns"].push_back(json_of(column));
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace attend::task
