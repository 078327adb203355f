#include "attend/data/question_answers.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "data/json_scanner.h"
#include "data/json_text.h"
#include "data/record_messages.h"
#include "data/utf8.h"
#include "io/printable.h"

namespace attend::data {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 16;

std::string filled(const Json& object, const std::string& name, const std::string& place) {
  std::string text = text_of(member(object, name, place), name, place);
  if (is_blank(text))
    throw BadRecord(fmt::format("{}: field {} is empty; expected text", place, io::printable(name)));
  return text;
}

const Json& list(const Json& object, const std::string& name, const std::string& place) {
  const Json& value = member(object, name, place);
  if (!value.is_array())
    throw BadRecord(
        fmt::format("{}: field {} is {}; expected a list", place, io::printable(name), kind_of(value)));
  return value;
}

bool is_marked_impossible(const Json& question, const std::string& place) {
  const auto mark = question.find("is_impossible");
  if (mark == question.end()) return false;
  if (!mark->is_boolean())
    throw BadRecord(
        fmt::format("{}: field 'is_impossible' is {}; expected true or false", place, kind_of(*mark)));
  return mark->get<bool>();
}

/// The byte where each code point of the text starts, and its length at the end.
std::vector<std::size_t> code_point_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  starts.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); i += first_code_point(text.substr(i)).length) starts.push_back(i);
  starts.push_back(text.size());
  return starts;
}

AnswerSpan answer_of(const Json& answer, const std::string& context, const std::vector<std::size_t>& starts,
                     const std::string& place) {
  std::string text = filled(answer, "text", place);
  const Json& start = member(answer, "answer_start", place);
  if (!start.is_number_integer())
    throw BadRecord(
        fmt::format("{}: field 'answer_start' is {}; expected a whole number", place, kind_of(start)));
  if (!start.is_number_unsigned() || start.get<std::uint64_t>() >= starts.size())
    throw BadRecord(fmt::format("{}: 'answer_start' is {}; expected 0 to {}, the characters of the context",
                                place, start.dump(), starts.size() - 1));
  const std::size_t byte = starts[start.get<std::size_t>()];
  const std::string_view found = std::string_view(context).substr(byte, text.size());
  if (found != text)
    throw BadRecord(fmt::format("{}: character {} of the context is where {} starts; expected the answer {}",
                                place, start.dump(), io::printable(found), io::printable(text)));
  return {std::move(text), byte};
}

}  // namespace

/// Walks through the document, and through the questions of a paragraph.
class SquadReader::Paragraphs {
 public:
  Paragraphs(const std::filesystem::path& path, const SquadOptions& options)
      : document_(path), file_(path.string()), longest_(options.read.max_record_bytes) {}

  std::optional<QuestionAnswers> next() {
    while (next_question_ == questions_.size())
      if (!load_paragraph()) return std::nullopt;
    return question(questions_[next_question_++]);
  }

  std::string place() const { return fmt::format("{}, line {}, byte {}", file_, line_, byte_); }

 private:
  enum class Inside { kNothing, kDocument, kArticles, kArticle, kParagraphs, kEnd };

  void enter(Inside where, char open) {
    document_.take(open);
    inside_ = where;
    first_ = true;
  }

  void leave(Inside where) {
    inside_ = where;
    first_ = false;
  }

  /// Whether the document goes on to another paragraph, which is then its next value.
  bool find_paragraph() {
    for (;;) {
      switch (inside_) {
        case Inside::kNothing:
          enter(Inside::kDocument, '{');
          break;
        case Inside::kDocument:
          take_member("data", Inside::kArticles, Inside::kEnd);
          break;
        case Inside::kArticles:
          if (document_.next(']', first_)) {
            enter(Inside::kArticle, '{');
          } else {
            leave(Inside::kDocument);
          }
          break;
        case Inside::kArticle:
          take_member("paragraphs", Inside::kParagraphs, Inside::kArticles);
          break;
        case Inside::kParagraphs:
          if (document_.next(']', first_)) {
            first_ = false;
            return true;
          }
          leave(Inside::kArticle);
          break;
        case Inside::kEnd:
          if (!has_data_)
            throw Error(
                fmt::format("{}: no field 'data'; expected a SQuAD file, data/paragraphs/qas", file_));
          if (document_.peek() != '\0')
            throw Error(fmt::format("{}, byte {}: text after the JSON document; expected one document",
                                    document_.place(), document_.byte()));
          return false;
      }
    }
  }

  /// Goes into the list `wanted` of an object, or passes over another member, or leaves the object.
  void take_member(std::string_view wanted, Inside list, Inside outside) {
    if (!document_.next('}', first_)) return leave(outside);
    first_ = false;
    if (document_.name() != wanted) {
      document_.value(0);
      return;
    }
    if (list == Inside::kArticles) has_data_ = true;
    enter(list, '[');
  }

  bool load_paragraph() {
    questions_ = Json::array();
    next_question_ = 0;
    if (!find_paragraph()) return false;
    document_.peek();
    line_ = document_.line();
    byte_ = document_.byte();
    const std::string text = document_.value(longest_);
    if (text.empty())
      throw BadRecord(fmt::format("{}: a paragraph that is longer than {} bytes, the longest allowed",
                                  place(), longest_));
    Json paragraph = parse_json(text, file_, line_, byte_, kDeepest);
    context_ = filled(paragraph, "context", place());
    list(paragraph, "qas", place());
    starts_ = code_point_starts(context_);
    questions_ = std::move(paragraph["qas"]);
    return true;
  }

  QuestionAnswers question(const Json& json) const {
    QuestionAnswers result;
    std::string place = this->place();
    if (json.is_object() && json.contains("id")) {
      result.id = text_of(json["id"], "id", place);
      place += ", question " + io::printable(result.id);
    }
    result.question = filled(json, "question", place);
    result.context = context_;
    const bool impossible = is_marked_impossible(json, place);
    if (impossible && !json.contains("answers")) return result;
    for (const Json& answer : list(json, "answers", place))
      result.answers.push_back(answer_of(answer, context_, starts_, place));
    if (impossible != result.answers.empty())
      throw BadRecord(fmt::format("{}: {}; expected answers, or 'is_impossible' true and none", place,
                                  impossible ? "answers although it is marked 'is_impossible'"
                                             : "neither answers nor the mark 'is_impossible'"));
    return result;
  }

  JsonScanner document_;
  std::string file_;
  std::size_t longest_;
  Inside inside_ = Inside::kNothing;
  bool first_ = true;  // nothing of what it is inside of was read yet
  bool has_data_ = false;

  std::int64_t line_ = 1, byte_ = 1;  // of the paragraph
  std::string context_;
  std::vector<std::size_t> starts_;
  Json questions_ = Json::array();
  std::size_t next_question_ = 0;
};

SquadReader::SquadReader(const std::filesystem::path& path, const SquadOptions& options)
    : RecordReader(options.read.bad_records), paragraphs_(std::make_unique<Paragraphs>(path, options)) {}

SquadReader::~SquadReader() = default;

std::string SquadReader::place() const {
  return paragraphs_->place();
}

std::optional<QuestionAnswers> SquadReader::read() {
  return paragraphs_->next();
}

namespace {

DelimitedOptions of_questions(DelimitedOptions options, const std::filesystem::path& path) {
  const std::size_t columns = options.columns.size();
  if (columns != 0 && columns != 3 && columns != 4)
    throw Error(fmt::format("{}: {} named for questions; expected 3 or 4: question, context, answer, start",
                            path.string(), counted(columns, "column")));
  options.allow_empty = true;
  options.read = throwing(options.read);
  return options;
}

/// The byte where an answer starts, by the code point that was given.
std::size_t given_start(const std::string& given, const std::string& answer, const std::string& context,
                        const std::string& place) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
  const std::vector<std::size_t> starts = code_point_starts(context);
  if (error != std::errc() || end != given.data() + given.size() || number >= starts.size())
    throw BadRecord(
        fmt::format("{}: the answer's start is {}; expected 0 to {}, the characters of the context", place,
                    io::printable(given), starts.size() - 1));
  if (is_blank(answer))
    throw BadRecord(fmt::format("{}: a start without an answer; expected both or neither", place));
  const std::string_view found = std::string_view(context).substr(starts[number], answer.size());
  if (found != answer)
    throw BadRecord(fmt::format("{}: character {} of the context is where {} starts; expected the answer {}",
                                place, number, io::printable(found), io::printable(answer)));
  return starts[number];
}

}  // namespace

QuestionTableReader::QuestionTableReader(const std::filesystem::path& path, const DelimitedOptions& options)
    : RecordReader(options.read.bad_records), table_(path, of_questions(options, path)) {}

std::optional<QuestionAnswers> QuestionTableReader::read() {
  std::optional<std::vector<std::string>> fields = table_.next();
  if (!fields) return std::nullopt;
  if (fields->size() != 3 && fields->size() != 4)
    throw Error(
        fmt::format("{}: {}; expected 3 or 4 (question, context, answer, start), or those to read named",
                    place(), counted(fields->size(), "column")));
  QuestionAnswers result{.id = std::to_string(table_.line()),
                         .context = std::move((*fields)[1]),
                         .question = std::move((*fields)[0]),
                         .answers = {}};
  if (is_blank(result.question) || is_blank(result.context))
    throw BadRecord(fmt::format("{}: the {} is empty; expected text", place(),
                                is_blank(result.question) ? "question" : "context"));
  std::string& answer = (*fields)[2];
  const std::string given = fields->size() == 4 ? (*fields)[3] : std::string();
  if (is_blank(answer) && is_blank(given)) return result;
  const std::size_t start =
      is_blank(given) ? result.context.find(answer) : given_start(given, answer, result.context, place());
  if (start == std::string::npos)
    throw BadRecord(fmt::format("{}: the answer {} does not stand in the context; expected a part of it",
                                place(), io::printable(answer)));
  result.answers.push_back({std::move(answer), start});
  return result;
}

}  // namespace attend::data
