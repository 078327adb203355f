#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attend/data/question_answers.h"
#include "attend/data/tokenizer.h"
#include "attend/model/encoder_config.h"
#include "attend/task/encoder_start.h"
#include "attend/task/training.h"

/// The task "answer": an encoder learns to find the part of a text that answers a question.
namespace attend::task {

/// Everything that decides what is learnt. The defaults are those of the preset "small"; a batch is a number
/// of windows: a question and as much of its text as fits the context. Nothing is smoothed:
/// `label_smoothing` must be 0.
struct AnswerOptions : TrainingOptions {
  std::string preset = "small";  ///< where the values came from; changes nothing of its own
  /// Its `vocabulary` comes from the tokenizer, its `segments` are 2 (question, text).
  model::EncoderConfig model;
  data::TokenizerOptions tokenizer = {.kind = "unigram", .vocabulary = 8000};
  EncoderStart start = {};
  std::int64_t stride = 128;         ///< tokens of a text from one window's start to the next one's
  std::int64_t longest_answer = 30;  ///< tokens
  double token_dropout = 0.05;       ///< part of the tokens that are hidden in training
};

/// The options of this preset. Throws Error naming the presets for another name.
AnswerOptions answer_preset(std::string_view name);

struct AnswerPreset {
  std::string name, purpose;
};
/// Every preset, the default first.
const std::vector<AnswerPreset>& answer_presets();

/// Throws Error naming the option, what was found and what is accepted.
void validate(const AnswerOptions& options);

/// Where questions are: SQuAD's JSON (*.json), or a table (*.tsv, *.tab, *.csv) of question, text and answer,
/// with where the answer starts as a fourth column if need be (data::QuestionTableReader).
struct QuestionFile {
  std::filesystem::path path;
  /// The columns by name, when a table has a header; empty: it has none, and three columns or four.
  std::vector<std::string> columns = {};
  bool skip_bad = false;  ///< bad records are counted and left out; otherwise the first one is an Error
};

/// Opens it. Throws Error as the readers do.
std::unique_ptr<data::RecordReader<data::QuestionAnswers>> open_questions(const QuestionFile& file);

/// What a model was trained on.
struct QuestionFacts {
  std::string path = {};
  std::string validation_path = {};  ///< empty: the last 10 % of the questions, about texts of their own
  std::uint64_t checksum = 0;
  std::int64_t questions = 0, validation_questions = 0;
  std::int64_t without_answer = 0;  ///< of the questions to learn from
  std::int64_t texts = 0;           ///< to learn from
  std::int64_t windows = 0, tokens = 0;
  std::int64_t skipped = 0;  ///< bad records
};

/// How well the weights in model.safetensors answer the validation questions: percentages, by the rules of
/// SQuAD.
struct AnswerScores {
  double exact = 0, f1 = 0;
};

/// The content of config.json in a model folder of this task.
struct AnswerConfig {
  model::EncoderConfig model;
  std::string tokenizer;                  ///< kind
  std::optional<AnswerOptions> training;  ///< absent in a folder that was not made by training
  std::optional<QuestionFacts> data;
  std::optional<TrainingResults> results;
  std::optional<AnswerScores> scores;  ///< absent before the first evaluation
  /// A question is left unanswered when the mark for "no answer" beats the best span by more than this
  /// (logits of start and end together). Chosen on the validation questions; absent when all of them have
  /// answers: then every question is answered.
  std::optional<double> no_answer;
};

/// Reads config.json. Throws Error naming the file when it is missing, no JSON, of another task or a newer
/// format, or has an unknown key or a value out of range.
AnswerConfig read_answer_config(const std::filesystem::path& folder);

struct AnswerJob : TrainingPlace {
  QuestionFile data;   ///< its path may be empty when a training is resumed: the path it began with
  QuestionFile valid;  ///< path empty: the last 10 % of `data`
  AnswerOptions options;
};

/// Trains, and leaves a model folder as train_classify does; the kept weights are those with the lowest loss
/// on the windows of the validation questions. Throws Error as train_classify, and for bad records.
AnswerConfig train_answer(const AnswerJob& job);

}  // namespace attend::task
