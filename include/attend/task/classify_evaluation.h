#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/data/records.h"
#include "attend/explain/confusion_matrix.h"
#include "attend/explain/terminal.h"
#include "attend/metric/classification.h"

namespace attend::task {

/// How well one column of labels is told.
struct ColumnEvaluation {
  std::string column;
  std::vector<std::string> labels;  ///< class i is labels[i]
  double loss = 0;                  ///< mean of -log p(label), in nats
  metric::ClassificationScore score;
  metric::Calibration calibration;
  /// The share of items whose label is among the five most likely; where that is measured.
  std::optional<double> top5 = std::nullopt;
};

struct ClassifyEvaluation {
  std::vector<ColumnEvaluation> columns;
  std::string unit = "texts";  ///< what is classified, also the key of their number in JSON
  std::int64_t texts = 0;      ///< how many of them
  std::int64_t cut = 0;        ///< texts that are longer than the context, of which the beginning was read
  data::SkippedRecords skipped;
};

/// A column's confusion matrix, to be drawn.
explain::ConfusionMatrix confusion_of(const ColumnEvaluation& column);

/// Lines of text for each column: accuracy, macro-F1, loss and calibration error; a row for each class; the
/// confusion matrix.
std::string to_terminal(const ClassifyEvaluation& evaluation, const explain::TerminalOptions& options = {});

/// One HTML file that needs no network: the same for every column. `title` is data, never markup.
std::string to_html(const ClassifyEvaluation& evaluation, const std::string& title);

/// A JSON object (UTF-8) with every number.
std::string to_json(const ClassifyEvaluation& evaluation);

}  // namespace attend::task
