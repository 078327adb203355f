#include "task/answer/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attend/base/error.h"
#include "attend/data/token_file.h"

namespace attend::task {

std::unique_ptr<data::RecordReader<data::QuestionAnswers>> open_questions(const QuestionFile& file) {
  const data::ReadOptions read = {
      .bad_records = file.skip_bad ? data::BadRecords::kSkip : data::BadRecords::kThrow,
      .max_record_bytes = std::size_t{16} << 20};
  if (file.path.extension() == ".json") {
    if (!file.columns.empty())
      throw Error(fmt::format("{}: columns are named, which a JSON file does not have", file.path.string()));
    return std::make_unique<data::SquadReader>(file.path, data::SquadOptions{.read = read});
  }
  data::DelimitedOptions table = data::delimited_options(file.path);
  table.header = !file.columns.empty();
  table.columns = file.columns;
  table.read = read;
  return std::make_unique<data::QuestionTableReader>(file.path, table);
}

RawQuestions read_questions(const QuestionFile& file) {
  RawQuestions raw;
  const auto reader = open_questions(file);
  while (auto record = reader->next()) {
    // Questions about one text stand one after the other.
    if (raw.contexts.empty() || raw.contexts.back() != record->context)
      raw.contexts.push_back(std::move(record->context));
    raw.questions.push_back(
        {raw.contexts.size() - 1, std::move(record->question), std::move(record->answers)});
  }
  raw.skipped = reader->skipped();
  if (raw.questions.empty())
    throw Error(raw.skipped.count == 0
                    ? fmt::format("{}: no question in it", file.path.string())
                    : fmt::format("{}: no good record in it, {} skipped; the first: {}", file.path.string(),
                                  raw.skipped.count, raw.skipped.first));
  return raw;
}

std::uint64_t checksum_of(const RawQuestions& raw) {
  std::uint64_t sum = data::checksum("");
  const auto add = [&sum](const std::string& text) {
    sum = data::checksum(std::string_view(text.data(), text.size() + 1), sum);
  };
  for (const std::string& context : raw.contexts) add(context);
  for (const RawQuestions::One& one : raw.questions) {
    add(std::to_string(one.context));
    add(one.question);
    for (const data::AnswerSpan& answer : one.answers) add(std::to_string(answer.start) + " " + answer.text);
  }
  return sum;
}

WindowOptions window_options(const AnswerConfig& config) {
  const AnswerOptions options = config.training.value_or(AnswerOptions{});
  return {
      .context = config.model.context, .stride = options.stride, .longest_answer = options.longest_answer};
}

void QuestionWindows::add_context(std::string_view text) {
  contexts_.push_back(tokenizer_.encode(text));
  std::vector<std::size_t>& ends = ends_.emplace_back();
  std::vector<bool>& blank = blank_.emplace_back();
  std::size_t end = 0;
  bool any = false;
  for (const std::int32_t id : contexts_.back()) {
    const std::string_view piece = tokenizer_.piece(id);
    ends.push_back(end += piece.size());
    blank.push_back(piece.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos);
    any = any || !blank.back();
  }
  if (!any) throw Error("the text that is asked about is empty");
}

bool QuestionWindows::is_blank(const Window& window, std::int64_t place) const {
  return blank_[window.context][static_cast<std::size_t>(window.begin + place - window.first)];
}

std::size_t QuestionWindows::token_begin(std::size_t context, std::int64_t token) const {
  return token == 0 ? 0 : ends_[context][static_cast<std::size_t>(token) - 1];
}
std::size_t QuestionWindows::token_end(std::size_t context, std::int64_t token) const {
  return ends_[context][static_cast<std::size_t>(token)];
}

/// The first and the last token that have a byte of the answer.
std::pair<std::int64_t, std::int64_t> QuestionWindows::tokens_of(const data::AnswerSpan& answer) const {
  const auto token_at = [&](std::size_t byte) {
    return std::ranges::upper_bound(ends_.back(), byte) - ends_.back().begin();
  };
  return {token_at(answer.start), token_at(answer.start + answer.text.size() - 1)};
}

void QuestionWindows::add_question(std::string_view question, const data::AnswerSpan* answer) {
  const data::SpecialTokens special(tokenizer_.size());
  std::vector<std::int32_t> head = tokenizer_.encode(question);
  if (head.empty()) throw Error("the question is empty");
  // At least half of a window is text.
  if (static_cast<std::int64_t>(head.size()) + 2 > options_.context / 2)
    head.resize(static_cast<std::size_t>(options_.context / 2 - 2));
  head.insert(head.begin(), special.start);
  head.push_back(special.separator);
  const std::vector<std::int32_t>& text = contexts_.back();
  const auto first = static_cast<std::int64_t>(head.size()), room = options_.context - first,
             length = static_cast<std::int64_t>(text.size()), step = std::min(options_.stride, room);
  const auto [from, to] =
      answer != nullptr ? tokens_of(*answer) : std::pair<std::int64_t, std::int64_t>(-1, -1);
  for (std::int64_t begin = 0;; begin += step) {
    const std::int64_t end = std::min(length, begin + room);
    Window window{
        .question = questions_, .first = first, .context = contexts_.size() - 1, .begin = begin, .end = end};
    if (from >= begin && to >= from && to < end) {
      window.start = static_cast<std::int32_t>(first + from - begin);
      window.stop = static_cast<std::int32_t>(first + to - begin);
    }
    std::vector<std::int32_t> ids = head;
    ids.insert(ids.end(), text.begin() + begin, text.begin() + end);
    sequences_.add(ids);
    windows_.push_back(window);
    if (end == length) break;
  }
  ++questions_;
}

QuestionWindows windows_of(const RawQuestions& raw, std::size_t begin, std::size_t end,
                           const data::Tokenizer& tokenizer, const WindowOptions& options) {
  QuestionWindows windows(tokenizer, options);
  for (std::size_t i = begin; i < end; ++i) {
    const RawQuestions::One& one = raw.questions[i];
    if (i == begin || one.context != raw.questions[i - 1].context)
      windows.add_context(raw.contexts[one.context]);
    windows.add_question(one.question, one.answers.empty() ? nullptr : one.answers.data());
  }
  return windows;
}

model::EncoderInput with_segments(model::EncoderInput input, std::int32_t separator) {
  const std::vector<std::int32_t> tokens = input.tokens.to_vector<std::int32_t>();
  std::vector<std::int32_t> segments(tokens.size());
  const auto length = static_cast<std::size_t>(input.tokens.dim(1));
  for (std::size_t i = 1; i < tokens.size(); ++i)
    if (i % length != 0) segments[i] = segments[i - 1] == 1 || tokens[i - 1] == separator ? 1 : 0;
  input.segments = Tensor::from(segments, input.tokens.shape());
  return input;
}

}  // namespace attend::task
