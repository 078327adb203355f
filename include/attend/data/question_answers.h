#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attend/data/delimited.h"
#include "attend/data/records.h"

namespace attend::data {

/// A part of a context that answers the question.
struct AnswerSpan {
  std::string text;
  /// Where it starts in the context, in bytes; `context.substr(start, text.size())` is the text.
  std::size_t start = 0;
};

/// A question about a text. Without answers, the text does not answer it.
struct QuestionAnswers {
  std::string id;
  std::string context, question;
  std::vector<AnswerSpan> answers;
};

struct SquadOptions {
  /// The longest paragraph with its questions is `read.max_record_bytes` long, as JSON.
  ReadOptions read = {};
};

/// The questions of a SQuAD file, version 1.1 or 2.0 (Rajpurkar et al., 2016 and 2018): one JSON document, of
/// which one paragraph is in memory at a time.
///
/// Bad records: a question whose answer does not stand in the context where `answer_start` (in code points)
/// says; one without answers that is not marked `is_impossible`, or with answers although it is; an empty
/// question or context, a missing field; a whole paragraph that is too long or not JSON. A document that is
/// broken elsewhere or ends too early is an Error whatever the options say, because nothing behind that place
/// can be read.
class SquadReader : public RecordReader<QuestionAnswers> {
 public:
  /// Throws Error when the file cannot be read.
  explicit SquadReader(const std::filesystem::path& path, const SquadOptions& options = {});
  ~SquadReader() override;

  /// The place of the paragraph.
  std::string place() const override;

 private:
  class Paragraphs;
  std::optional<QuestionAnswers> read() override;

  std::unique_ptr<Paragraphs> paragraphs_;
};

/// Questions from a table: question, context and answer, and where it starts in the context, in code points
/// from 0; without this fourth column, the first place in the context with its text. An empty answer means
/// that the context has none.
///
/// Bad records: those of DelimitedReader; an empty question or context; an answer that is not in the context,
/// or not where it should start; a start that is no number, or without an answer.
class QuestionTableReader : public RecordReader<QuestionAnswers> {
 public:
  /// `options.columns` names question, context, answer and, if it is there, start; when it is empty, the
  /// table must have these three or four. Throws Error as DelimitedReader does, and for another number of
  /// columns.
  explicit QuestionTableReader(const std::filesystem::path& path,
                               const DelimitedOptions& options = {
                                   .delimiter = '\t', .quotes = false, .header = false});

  /// The number of this line is the question's id.
  std::string place() const override { return table_.place(); }

 private:
  std::optional<QuestionAnswers> read() override;

  DelimitedReader table_;
};

}  // namespace attend::data
