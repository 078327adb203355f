#include "attend/data/tokenizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <utf8proc.h>

#include <fstream>
#include <random>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"

namespace attend::data {
namespace {

using test::TemporaryFolder;

/// English-like lines: words of a small vocabulary with endings.
std::string sample_text(int lines = 300) {
  const char* words[] = {"the", "whale", "sea", "captain", "and", "of", "harpoon", "sails", "winds", "Ahab"};
  const char* endings[] = {"", "s", "ing", "ed"};
  std::mt19937 random(5);
  std::string text;
  for (int line = 0; line < lines; ++line) {
    for (int word = 0; word < 8; ++word)
      text += fmt::format("{}{} ", words[random() % 10], endings[random() % 4]);
    text += "said: \"3 times!\"\n";
  }
  return text;
}

/// Every code point, or beyond the Basic Multilingual Plane every `sparse`-th.
std::string every_code_point(int sparse = 1) {
  const auto step = [&](int c) { return c < 0x10000 ? 1 : sparse; };
  std::string text;
  for (int c = 0; c < 0x110000; c += step(c)) {
    utf8proc_uint8_t bytes[4];
    if (c >= 0xd800 && c < 0xe000) continue;
    text.append(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(utf8proc_encode_char(c, bytes)));
  }
  return text;
}

/// Without the flush to the disk that makes many small files slow.
void write_plainly(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

TokenizerOptions options_of(const std::string& kind) {
  return {.kind = kind, .vocabulary = 400};
}

class EveryKind : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tokenizer, EveryKind, testing::Values("char", "byte", "bpe", "unigram"),
                         [](const auto& info) { return info.param; });

TEST_P(EveryKind, DecodesWhatItEncodesByteForByte) {
  const std::string text =
      sample_text() +
      "\n\n\n\t tabs\tand  many   spaces \r\n é ü ß 漢字 😀👩‍👩‍👧 \xe2\x96\x81 "
      "\xe2\x96\x82 end ";
  const auto tokenizer = train_tokenizer(options_of(GetParam()), text);
  EXPECT_EQ(tokenizer->kind(), GetParam());
  const auto ids = tokenizer->encode(text);
  for (const auto id : ids) ASSERT_TRUE(id >= 0 && id < tokenizer->size());
  EXPECT_EQ(tokenizer->decode(ids), text);
  EXPECT_TRUE(tokenizer->encode("").empty());
  EXPECT_EQ(tokenizer->decode({}), "");
  std::string joined;
  for (const auto id : ids) joined += tokenizer->piece(id);
  EXPECT_EQ(joined, text);
}

TEST_P(EveryKind, LoadsWhatItSaved) {
  TemporaryFolder folder;
  const std::string text = sample_text();
  const auto tokenizer = train_tokenizer(options_of(GetParam()), text);
  tokenizer->save(folder.path());
  const auto loaded = load_tokenizer(folder.path());
  EXPECT_EQ(loaded->kind(), tokenizer->kind());
  ASSERT_EQ(loaded->size(), tokenizer->size());
  for (std::int32_t id = 0; id < loaded->size(); ++id) EXPECT_EQ(loaded->piece(id), tokenizer->piece(id));
  EXPECT_EQ(loaded->encode(text), tokenizer->encode(text));
}

TEST_P(EveryKind, TrainsTheSameTwice) {
  TemporaryFolder a, b;
  train_tokenizer(options_of(GetParam()), sample_text())->save(a.path());
  train_tokenizer(options_of(GetParam()), sample_text())->save(b.path());
  const bool json = std::filesystem::exists(a / "tokenizer.json");
  const char* name = json ? "tokenizer.json" : "tokenizer.model";
  EXPECT_EQ(io::read_file(a / name), io::read_file(b / name));
}

TEST_P(EveryKind, RefusesIdsOutsideTheVocabulary) {
  const auto tokenizer = train_tokenizer(options_of(GetParam()), sample_text());
  const auto size = static_cast<std::int32_t>(tokenizer->size());
  EXPECT_ERROR(tokenizer->piece(-1), "token -1 is not in the vocabulary");
  EXPECT_ERROR(tokenizer->decode(std::vector<std::int32_t>{0, size}), "not in the vocabulary");
}

TEST_P(EveryKind, StreamsTheSameTextInWholeCharacters) {
  const std::string text = "the sea\n\té 漢字 😀 of whales";
  const auto tokenizer = train_tokenizer(options_of(GetParam()), sample_text() + text);
  StreamDecoder decoder(*tokenizer);
  std::string streamed;
  for (const auto id : tokenizer->encode(text)) {
    const std::string part = decoder.push(id);
    for (std::size_t i = 0; i < part.size();) {
      utf8proc_int32_t c;
      const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(part.data()) + i,
                                           static_cast<utf8proc_ssize_t>(part.size() - i), &c);
      ASSERT_GT(length, 0) << part;
      i += static_cast<std::size_t>(length);
    }
    streamed += part;
  }
  streamed += decoder.finish();
  EXPECT_EQ(streamed, text);
}

class Subwords : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tokenizer, Subwords, testing::Values("bpe", "unigram"),
                         [](const auto& info) { return info.param; });

TEST_P(Subwords, KeepEveryCodePoint) {
  const std::string text = every_code_point(31);
  for (const std::string& training : {sample_text(), std::string("ab\n")}) {
    const auto tokenizer = train_tokenizer(options_of(GetParam()), training);
    EXPECT_TRUE(tokenizer->decode(tokenizer->encode(text)) == text);
    const std::string spaces = "a b  c \t\n\n \xe2\x96\x81\xe2\x96\x81 d";
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(spaces)), spaces);
  }
}

TEST_P(Subwords, LearnFromTheText) {
  const std::string text = sample_text();
  const auto tokenizer = train_tokenizer(options_of(GetParam()), text);
  EXPECT_LE(tokenizer->size(), 400);
  EXPECT_LT(tokenizer->encode(text).size(), text.size() / 2);
  bool whole_word = false;
  for (std::int32_t id = 0; id < tokenizer->size(); ++id) whole_word |= tokenizer->piece(id) == " whale";
  EXPECT_TRUE(whole_word);
}

TEST_P(Subwords, TakeTinyAndOddTexts) {
  for (const std::string& text :
       {std::string("a"), std::string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), std::string(" "),
        std::string("   \n   "), std::string("ab ab ab"), std::string("x\ty\0z", 5),
        std::string("1234567890"), std::string(test::kSanitized ? 5000 : 50000, 'q'),
        std::string("\xef\xbb\xbf漢"), std::string("<unk><s><0x41>"), std::string("😀")}) {
    SCOPED_TRACE(text.substr(0, 20));
    const auto tokenizer = train_tokenizer(options_of(GetParam()), text);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

TEST_P(Subwords, EncodeALongTextAsItsLines) {
  const std::string text = sample_text(12000) + "\n\n" + std::string(300000, ' ') + "x\ny";
  ASSERT_GT(text.size(), 1'000'000u);
  const auto tokenizer = train_tokenizer(options_of(GetParam()), sample_text());
  std::vector<std::int32_t> by_line;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const auto line = tokenizer->encode(std::string_view(text).substr(begin, end - begin));
    by_line.insert(by_line.end(), line.begin(), line.end());
    begin = end;
  }
  EXPECT_TRUE(tokenizer->encode(text) == by_line);
}

TEST_P(Subwords, LeaveRareCharactersToBytes) {
  std::string text = sample_text(3000);
  for (int c = 0x4e00; c < 0x4e00 + 500; ++c) {
    utf8proc_uint8_t bytes[4];
    text.append(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(utf8proc_encode_char(c, bytes)));
  }
  const auto tokenizer = train_tokenizer(options_of(GetParam()), text);
  EXPECT_LE(tokenizer->size(), 400);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  EXPECT_ERROR(train_tokenizer(options_of(GetParam()), every_code_point()), "vocabulary: 400 given");
}

TEST_P(Subwords, RefuseWhatTheyCannotLearnFrom) {
  EXPECT_ERROR(train_tokenizer(options_of(GetParam()), "\n\t\n"), "without visible characters");
  EXPECT_ERROR(train_tokenizer({.kind = GetParam(), .vocabulary = 319}, "abc"),
               "vocabulary: 319 given, 320 to");
  EXPECT_ERROR(train_tokenizer({.kind = GetParam(), .vocabulary = 1000001}, "abc"), "1000001 given");
  const auto tokenizer = train_tokenizer(options_of(GetParam()), "abc");
  EXPECT_ERROR(tokenizer->encode("ab\nc\xff"), "not UTF-8: byte 0xff in line 2 (byte 4)");
}

// More than the trainer takes, so that only blocks of it are used.
TEST(BpeTokenizer, LearnsFromPartsOfALongText) {
  std::string text = sample_text(100);
  while (text.size() < (test::kSanitized ? 1'000'000 : 11'000'000)) text += text;
  const auto tokenizer = train_tokenizer(options_of("bpe"), text);
  const std::string sample = text.substr(0, 10000);
  const auto ids = tokenizer->encode(sample);
  EXPECT_EQ(tokenizer->decode(ids), sample);
  EXPECT_LT(ids.size(), sample.size() / 3);
}

TEST(CharTokenizer, NumbersTheCharactersInTheirOrder) {
  const auto tokenizer = train_tokenizer({.kind = "char"}, "hello\nwörld");
  EXPECT_EQ(tokenizer->size(), 9);
  EXPECT_EQ(tokenizer->piece(0), "\n");
  EXPECT_EQ(tokenizer->piece(8), "ö");
  EXPECT_EQ(tokenizer->encode("\nhö"), (std::vector<std::int32_t>{0, 3, 8}));
}

TEST(CharTokenizer, NamesAnUnknownCharacterAndItsPlace) {
  const auto tokenizer = train_tokenizer({.kind = "char"}, "abc\n");
  EXPECT_ERROR(tokenizer->encode("ab\ncé"),
               "the character 'é' (U+00E9) in line 2 (byte 4) is not among the 4");
  EXPECT_ERROR(tokenizer->encode("a\x1b"), "'\\x1b' (U+001B)");
  EXPECT_ERROR(tokenizer->encode("a\xc3"), "not UTF-8: byte 0xc3 in line 1 (byte 1)");
}

TEST(CharTokenizer, KeepsEveryCodePoint) {
  TemporaryFolder folder;
  const std::string text = every_code_point();
  train_tokenizer({.kind = "char"}, text)->save(folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->size(), 0x110000 - 0x800);
  EXPECT_TRUE(tokenizer->decode(tokenizer->encode(text)) == text);
}

TEST(ByteTokenizer, TakesAnyBytes) {
  std::string data;
  for (int i = 0; i < 1000; ++i) data += static_cast<char>(i * 7);
  const auto tokenizer = train_tokenizer({.kind = "byte"}, "");
  EXPECT_EQ(tokenizer->size(), 256);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(data)), data);
  EXPECT_EQ(tokenizer->encode("\xff"), std::vector<std::int32_t>{255});
}

TEST(Tokenizer, ShowsPiecesAsText) {
  const auto bytes = train_tokenizer({.kind = "byte"}, "");
  EXPECT_EQ(bytes->display_piece('a'), "a");
  EXPECT_EQ(bytes->display_piece('\n'), "\n");
  EXPECT_EQ(bytes->display_piece(0xe2), "<0xE2>");
  const auto subwords = train_tokenizer({.kind = "bpe", .vocabulary = 320}, "a b c");
  EXPECT_EQ(subwords->display_piece(0), "<unk>");
  EXPECT_EQ(subwords->display_piece(1 + 0x0a), "\n");
}

TEST(Tokenizer, RefusesUnknownKindsAndEmptyTexts) {
  EXPECT_ERROR(train_tokenizer({.kind = "letter"}, "abc"),
               "'letter' given; char, byte, bpe, unigram or word accepted");
  EXPECT_ERROR(train_tokenizer({.kind = "char"}, ""), "empty text");
  EXPECT_ERROR(train_tokenizer({.kind = "bpe"}, ""), "empty text");
  EXPECT_ERROR(train_tokenizer({.kind = "char"}, "a\nb\xe2\x82"), "not UTF-8: byte 0xe2 in line 2 (byte 3)");
}

TEST(Tokenizer, SavingReplacesATokenizerOfTheOtherKind) {
  TemporaryFolder folder;
  train_tokenizer({.kind = "bpe", .vocabulary = 320}, "abc")->save(folder.path());
  train_tokenizer({.kind = "char"}, "abc")->save(folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->kind(), "char");
  train_tokenizer({.kind = "unigram", .vocabulary = 320}, "abc")->save(folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->kind(), "unigram");
  EXPECT_ERROR(train_tokenizer({.kind = "char"}, "abc")->save(folder / "none"), "No such file");
}

TEST(Tokenizer, NamesWhatIsWrongWithAFolder) {
  TemporaryFolder folder;
  EXPECT_ERROR(load_tokenizer(folder.path()), "holds no tokenizer");
  EXPECT_ERROR(load_tokenizer(folder / "none"), "holds no tokenizer");
  write_plainly(folder / "tokenizer.json", "{}");
  write_plainly(folder / "tokenizer.model", "x");
  EXPECT_ERROR(load_tokenizer(folder.path()), "holds both");
  std::filesystem::remove(folder / "tokenizer.model");
  std::filesystem::remove(folder / "tokenizer.json");
  std::filesystem::create_directory(folder / "tokenizer.json");
  EXPECT_ERROR(load_tokenizer(folder.path()), "folder, not a file");
}

TEST(Tokenizer, RefusesHostileJson) {
  TemporaryFolder folder;
  const std::string head = R"({"format":"attend-tokenizer","version":1,"kind":"char")";
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "\"format\""},
      {std::string("{}\0", 3), "zero byte"},
      {std::string(1000000, '['), "nested"},
      {R"({"format":"attend-tokenizer"})", "\"version\""},
      {R"({"format":"attend-tokenizer","version":2,"kind":"char","characters":"a"})", "newer program"},
      {R"({"format":"attend-tokenizer","version":1,"kind":"letter"})", "\"kind\""},
      {R"({"format":"attend-tokenizer","version":1,"kind":7})", "\"kind\""},
      {head + R"(,"characters":7})", "\"characters\" is not a text"},
      {head + "}", "\"characters\" is not a text"},
      {head + R"(,"characters":["a"]})", "nested"},
      {head + R"(,"characters":{"a":{}}})", "nested"},
      {head + R"(,"characters":""})", "empty"},
      {head + R"(,"characters":"ba"})", "not sorted"},
      {head + R"(,"characters":"aa"})", "twice"},
      {head + ",\"characters\":\"\xff\"}", "not JSON in UTF-8"},
  };
  for (const auto& [content, message] : cases) {
    SCOPED_TRACE(content.substr(0, 100));
    write_plainly(folder / "tokenizer.json", content);
    EXPECT_ERROR(load_tokenizer(folder.path()), message);
    EXPECT_ERROR(load_tokenizer(folder.path()), (folder / "tokenizer.json").string());
  }
}

TEST(Tokenizer, RefusesOrSurvivesDamagedModels) {
  TemporaryFolder folder;
  const std::string text = sample_text();
  for (const char* kind : {"bpe", "unigram"}) {
    train_tokenizer(options_of(kind), text)->save(folder.path());
    const std::string good = io::read_file(folder / "tokenizer.model");
    for (std::size_t length = 0; length < good.size(); length += 29) {
      write_plainly(folder / "tokenizer.model", std::string_view(good).substr(0, length));
      test::error_of([&] { load_tokenizer(folder.path()); });
    }
    std::mt19937 random(3);
    for (int i = 0; i < (test::kSanitized ? 40 : 200); ++i) {
      std::string bad = good;
      bad[random() % bad.size()] ^= static_cast<char>(1 << (random() % 8));
      write_plainly(folder / "tokenizer.model", bad);
      try {
        const auto tokenizer = load_tokenizer(folder.path());
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
      } catch (const Error&) {
      }
    }
  }
}

TEST(StreamDecoder, MarksBytesThatAreNoText) {
  const auto bytes = train_tokenizer({.kind = "byte"}, "");
  StreamDecoder decoder(*bytes);
  EXPECT_EQ(decoder.push(0xe2), "");
  EXPECT_EQ(decoder.push(0x82), "");
  EXPECT_EQ(decoder.push(0xac), "€");
  EXPECT_EQ(decoder.push(0xff), "\xef\xbf\xbd");
  EXPECT_EQ(decoder.push(0xf0), "");
  EXPECT_EQ(decoder.push('a'),
            "\xef\xbf\xbd"
            "a");
  EXPECT_EQ(decoder.push(0xc3), "");
  EXPECT_EQ(decoder.finish(), "\xef\xbf\xbd");
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_ERROR(decoder.push(256), "not in the vocabulary");
}

}  // namespace
}  // namespace attend::data
