#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "attend/train/observer.h"

namespace attend::train {

/// Turns reports into text: on a terminal one line that is drawn again and again, plain lines elsewhere.
///
///     step 1200/2000 [############--------]  loss 1.932  lr 8.1e-04  142k tokens/s  0:32 left  61 MB, peak
///     88 MB step 1250  validation loss 1.879, the best so far
class Progress : public Observer {
 public:
  using Sink = std::function<void(std::string_view)>;

  struct Options {
    bool terminal = false;  ///< draw one line again and again, with control characters
    int columns = 80;       ///< of the terminal; longer lines are cut there
    double interval = 0;    ///< seconds between two reports of steps; 0: 0.1 on a terminal, 10 elsewhere
  };

  /// Text goes to `sink`, piece by piece.
  explicit Progress(Sink sink);
  Progress(Sink sink, const Options& options);
  /// Text goes to a stream, which must outlive this object, and is flushed.
  explicit Progress(std::ostream& stream);
  Progress(std::ostream& stream, const Options& options);
  /// Ends the line that is being drawn.
  ~Progress() override;

  void on_step(const StepReport& report) override;
  void on_evaluation(const EvaluationReport& report) override;
  void on_message(std::string_view text) override;

  /// Shows the last step if it was held back, and ends the line. Later reports begin a new one.
  void finish();

 private:
  void draw();
  void line(const std::string& text);

  Sink sink_;
  Options options_;
  StepReport latest_;
  bool pending_ = false;  // the latest step is not shown yet
  bool drawn_ = false;    // the cursor stands on the progress line
  double shown_at_ = -1;  // report.seconds of the last shown step
};

/// The text of a step without control characters, at most `columns` characters long (0: no limit).
std::string describe(const StepReport& report, int columns = 0);

}  // namespace attend::train
