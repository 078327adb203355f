#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "attend/base/error.h"
#include "attend/data/control.h"
#include "attend/data/delimited.h"
#include "attend/data/json_lines.h"
#include "attend/data/line_reader.h"
#include "attend/data/parallel.h"
#include "attend/data/question_answers.h"
#include "attend/data/tagged.h"
#include "attend/data/word_vectors.h"
#include "data/descriptions.h"
#include "data/utf8.h"

namespace {

using namespace attend::data;

void require(bool holds) {
  if (!holds) std::abort();
}

/// A file without a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0);
    while (!content.empty()) {
      const ssize_t written = ::write(fd_, content.data(), content.size());
      require(written > 0);
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check(std::string_view line) {
  require(line.find('\n') == line.npos && line.find('\0') == line.npos &&
          find_invalid_utf8(line) == line.npos);
}
void check(const std::vector<std::string>& fields) {
  require(!fields.empty());
}
void check(const TextPair& pair) {
  require(!pair.source.empty() && !pair.target.empty());
}
void check(const JsonRecord& record) {
  require(record.texts.size() == 1 && record.lists.size() == 1);
}
void check(const TaggedSentence& sentence) {
  require(!sentence.words.empty() && sentence.words.size() == sentence.tags.size());
}
void check(const WordVector& vector) {
  require(!vector.word.empty() && find_invalid_utf8(vector.word) == vector.word.npos &&
          !vector.values.empty());
  for (const float value : vector.values) require(std::isfinite(value));
}
void check(const QuestionAnswers& record) {
  for (const AnswerSpan& answer : record.answers)
    require(!answer.text.empty() &&
            record.context.compare(answer.start, answer.text.size(), answer.text) == 0);
}
void check(const ControlRecord& record) {
  require(!record.fields.empty());
  for (const ControlField& field : record.fields) {
    require(record.find(field.name) == &field.value);
    for (const std::string& paragraph : description_paragraphs(field.value)) {
      check(paragraph);
      std::string joined;
      for (const std::string& sentence : sentences(paragraph))
        joined += (joined.empty() ? "" : " ") + sentence;
      require(!paragraph.empty() && joined == paragraph);
    }
  }
}

void check_message(std::string_view message) {
  require(!message.empty() && find_invalid_utf8(message) == message.npos);
  for (const unsigned char c : message) require(c >= 0x20 && c != 0x7f);
}

struct Counts {
  std::int64_t records = 0, bad = 0;
  bool broken = false;

  bool operator==(const Counts&) const = default;
};

/// What `make`(options) gives up to its end or to an error that ends it; `most` records at the most.
template <class Make>
Counts count_records(const Make& make, const ReadOptions& options, std::int64_t most) {
  Counts counts;
  try {
    auto reader = make(options);
    for (;;) {
      require(counts.records + counts.bad <= most);
      try {
        const auto record = reader.next();
        if (!record) {
          require(!reader.next());
          counts.bad += reader.skipped().count;
          return counts;
        }
        check(*record);
        ++counts.records;
      } catch (const BadRecord& bad) {
        require(options.bad_records == BadRecords::kThrow);
        check_message(bad.what());
        counts.bad += bad.count();
      } catch (const attend::Error&) {
        counts.bad += reader.skipped().count;
        throw;
      }
    }
  } catch (const attend::Error& error) {
    check_message(error.what());
    counts.broken = true;
  }
  return counts;
}

/// Whether bad records are thrown or skipped, there are as many of both kinds.
template <class Make>
void compare_policies(const Make& make, ReadOptions options, std::int64_t most) {
  options.bad_records = BadRecords::kThrow;
  const Counts thrown = count_records(make, options, most);
  options.bad_records = BadRecords::kSkip;
  require(count_records(make, options, most) == thrown);
}

}  // namespace

/// The first byte chooses the reader, the rest is its file (two files, for pairs of lines, with the byte 0x1e
/// between them). It gives records that are as they should be, or errors of one line, and comes to an end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view content(reinterpret_cast<const char*>(data + 1), size - 1);
  const MemoryFile file(content);
  ReadOptions limit;
  if (choice & 0x20) limit.max_record_bytes = 50;
  const bool header = (choice & 0x40) != 0;
  const auto most = static_cast<std::int64_t>(2 * size + 2);
  const auto compare = [&](const auto& make) { compare_policies(make, limit, most); };
  switch (choice % 12) {
    case 0:
      compare([&](const ReadOptions& read) { return LineReader(file.path(), read); });
      break;
    case 1:
      compare([&](const ReadOptions& read) {
        return DelimitedReader(file.path(), {.header = header, .read = read});
      });
      break;
    case 2:
      compare([&](const ReadOptions& read) {
        return DelimitedReader(file.path(),
                               {.delimiter = '\t', .quotes = false, .header = header, .read = read});
      });
      break;
    case 3:
      compare([&](const ReadOptions& read) {
        return JsonLinesReader(file.path(), {.texts = {"text"}, .lists = {"labels"}, .read = read});
      });
      break;
    case 4: {
      const std::size_t end = std::min(content.find('\x1e'), content.size());
      const MemoryFile source(content.substr(0, end)),
          target(content.substr(std::min(end + 1, content.size())));
      compare([&](const ReadOptions& read) { return ParallelReader(source.path(), target.path(), read); });
      break;
    }
    case 5:
      compare([&](const ReadOptions& read) {
        return PairTableReader(file.path(), {.header = header, .columns = {"2", "1"}, .read = read});
      });
      break;
    case 6:
      compare([&](const ReadOptions& read) { return TaggedReader(file.path(), {.read = read}); });
      break;
    case 7:
      compare([&](const ReadOptions& read) {
        TaggedOptions options = conllu_options(3);
        options.read = read;
        return TaggedReader(file.path(), options);
      });
      break;
    case 8:
      compare([&](const ReadOptions& read) { return SquadReader(file.path(), {.read = read}); });
      break;
    case 9:
      compare([&](const ReadOptions& read) {
        return QuestionTableReader(file.path(), {.header = header, .columns = {"1", "2", "3"}, .read = read});
      });
      break;
    case 10:
      compare([&](const ReadOptions& read) { return ControlReader(file.path(), read); });
      break;
    case 11:
      compare([&](const ReadOptions& read) { return WordVectorReader(file.path(), read); });
      break;
    default:
      break;
  }
  return 0;
}
