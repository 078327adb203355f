#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/question_answers.h"
#include "attend/data/sequences.h"
#include "attend/data/tokenizer.h"
#include "attend/model/encoder.h"
#include "attend/task/answer.h"
#include "attend/task/text_answerer.h"

namespace attend::task {

/// All questions of a file in memory, each text once.
struct RawQuestions {
  struct One {
    std::size_t context = 0;  ///< its number in `contexts`
    std::string question;
    std::vector<data::AnswerSpan> answers;
  };
  std::vector<std::string> contexts;
  std::vector<One> questions;
  data::SkippedRecords skipped;
};

/// Throws Error for bad records, and when there is no question.
RawQuestions read_questions(const QuestionFile& file);

std::uint64_t checksum_of(const RawQuestions& raw);

/// How texts are cut into windows.
struct WindowOptions {
  std::int64_t context = 256;  ///< tokens of a window, the question and marks included
  std::int64_t stride = 128;   ///< tokens from one window's start to the next one's
  std::int64_t longest_answer = 30;
};
WindowOptions window_options(const AnswerConfig& config);

/// A question and a part of its text, as a sequence: start mark, question, separator, part.
struct Window {
  std::size_t question = 0;          ///< its number
  std::int64_t first = 0;            ///< the place in the sequence of the part's first token
  std::size_t context = 0;           ///< the number of the text
  std::int64_t begin = 0, end = 0;   ///< tokens of the text
  std::int32_t start = 0, stop = 0;  ///< places of the answer's first and last token; 0: no answer here
};

/// Questions as windows of tokens.
class QuestionWindows {
 public:
  QuestionWindows(const data::Tokenizer& tokenizer, const WindowOptions& options)
      : tokenizer_(tokenizer), options_(options) {}

  /// Adds a text, and questions about the one added last.
  void add_context(std::string_view text);
  /// `answer`: none, or the one to learn.
  void add_question(std::string_view question, const data::AnswerSpan* answer = nullptr);

  std::int64_t size() const { return static_cast<std::int64_t>(windows_.size()); }
  const Window& operator[](std::int64_t i) const { return windows_[static_cast<std::size_t>(i)]; }
  const data::TokenSequences& sequences() const { return sequences_; }
  std::size_t questions() const { return questions_; }

  /// Whether a place of a window's sequence is white space of the text: no answer starts or ends there.
  bool is_blank(const Window& window, std::int64_t place) const;

  /// The bytes of a text that one of its tokens stands for.
  std::size_t token_begin(std::size_t context, std::int64_t token) const;
  std::size_t token_end(std::size_t context, std::int64_t token) const;

 private:
  std::pair<std::int64_t, std::int64_t> tokens_of(const data::AnswerSpan& answer) const;

  const data::Tokenizer& tokenizer_;
  WindowOptions options_;
  std::vector<std::vector<std::int32_t>> contexts_;  // tokens of each text
  std::vector<std::vector<std::size_t>> ends_;       // byte where each of them ends
  std::vector<std::vector<bool>> blank_;             // whether each of them is white space
  data::TokenSequences sequences_;
  std::vector<Window> windows_;
  std::size_t questions_ = 0;
};

/// The windows of the questions [begin, end), with their first answers.
QuestionWindows windows_of(const RawQuestions& raw, std::size_t begin, std::size_t end,
                           const data::Tokenizer& tokenizer, const WindowOptions& options);

/// The input with segments: 1 behind the separator of each row.
model::EncoderInput with_segments(model::EncoderInput input, std::int32_t separator);

}  // namespace attend::task
