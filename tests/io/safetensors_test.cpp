#include "attend/io/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace attend::io {
namespace {

using test::TemporaryFolder;

const std::string kGolden = ATTEND_GOLDEN_DIR;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// The bytes of a safetensors file with this header and data.
std::string file_of(std::string_view header, std::string_view data = "") {
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file.append(header).append(data);
}

SafetensorsFile parse(std::string_view file) {
  return SafetensorsFile::from_memory(bytes_of(file), "x.safetensors");
}

template <class T>
std::vector<T> elements(const SafetensorsEntry& entry) {
  std::vector<T> values(entry.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), entry.data.data(), entry.data.size());
  return values;
}

using Shape = std::vector<std::int64_t>;

TEST(Safetensors, ReadsWhatPythonWrote) {
  const auto file = SafetensorsFile::open(kGolden + "/python.safetensors");
  EXPECT_EQ(file.entries().size(), 9u);
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "np"}, {"note", "größer\n"}}));
  EXPECT_EQ(file.at("weight.f32").dtype, DType::f32);
  EXPECT_EQ(file.at("weight.f32").shape, (Shape{2, 3}));
  EXPECT_EQ(elements<float>(file.at("weight.f32")), (std::vector<float>{-1, -.75, -.5, -.25, 0, .25}));
  EXPECT_EQ(file.at("big.f64").shape, (Shape{2, 1}));
  EXPECT_EQ(elements<double>(file.at("big.f64")), (std::vector<double>{1e300, -0.0}));
  EXPECT_EQ(elements<std::int64_t>(file.at("ids.i64")),
            (std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(file.at("ids.i32").shape, (Shape{1, 1, 2}));
  EXPECT_EQ(elements<std::int32_t>(file.at("ids.i32")), (std::vector<std::int32_t>{-1, 7}));
  EXPECT_EQ(elements<std::uint8_t>(file.at("bytes.u8")), (std::vector<std::uint8_t>{0, 127, 255}));
  EXPECT_EQ(file.at("mask.bool").dtype, DType::boolean);
  EXPECT_EQ(elements<std::uint8_t>(file.at("mask.bool")), (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(file.at("scalar").shape, Shape{});
  EXPECT_EQ(elements<float>(file.at("scalar")), std::vector<float>{2.5});
  EXPECT_EQ(file.at("empty").shape, (Shape{0, 4}));
  EXPECT_TRUE(file.at("empty").data.empty());
  EXPECT_EQ(elements<float>(file.at("näme \"quoted\"")), std::vector<float>{1});
}

TEST(Safetensors, ReadsBfloat16AndNamesAnUnsupportedType) {
  const auto file = SafetensorsFile::open(kGolden + "/python_bf16.safetensors");
  const auto values = elements<BFloat16>(file.at("half.bf16"));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(static_cast<float>(values[0]), 1.0f);
  EXPECT_EQ(static_cast<float>(values[1]), -2.0f);
  EXPECT_EQ(static_cast<float>(values[2]), 0.5f);
  EXPECT_ERROR(SafetensorsFile::open(kGolden + "/python_f16.safetensors"),
               "tensor 'x' has the dtype 'F16'; supported are F32, BF16");
}

/// Our own file with the tensors of python.safetensors and a bfloat16.
void write_sample(const std::filesystem::path& path, bool reversed = false) {
  const auto golden = SafetensorsFile::open(kGolden + "/python.safetensors");
  const auto half = SafetensorsFile::open(kGolden + "/python_bf16.safetensors");
  std::vector<SafetensorsEntry> tensors = golden.entries();
  tensors.push_back(half.at("half.bf16"));
  if (reversed) std::ranges::reverse(tensors.begin(), tensors.end());
  write_safetensors(path, tensors, golden.metadata());
}

TEST(Safetensors, WritesWhatItReads) {
  TemporaryFolder folder;
  write_sample(folder / "a");
  const auto file = SafetensorsFile::open(folder / "a");
  const auto golden = SafetensorsFile::open(kGolden + "/python.safetensors");
  EXPECT_EQ(file.metadata(), golden.metadata());
  EXPECT_EQ(file.entries().size(), golden.entries().size() + 1);
  for (const SafetensorsEntry& expected : golden.entries()) {
    const SafetensorsEntry& entry = file.at(expected.name);
    EXPECT_EQ(entry.dtype, expected.dtype);
    EXPECT_EQ(entry.shape, expected.shape);
    EXPECT_EQ(elements<std::uint8_t>(entry), elements<std::uint8_t>(expected)) << expected.name;
  }
  for (const SafetensorsEntry& entry : file.entries()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(entry.data.data()) % size_of(entry.dtype), 0u) << entry.name;
  }
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.entries().front().data.data()) % 64, 0u);
}

// tests/golden/attend.safetensors was checked once with `make_safetensors.py --check`: Python reads it.
TEST(Safetensors, WritesTheBytesThatPythonWasSeenToRead) {
  TemporaryFolder folder;
  write_sample(folder / "a");
  write_sample(folder / "b", true);
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
  EXPECT_TRUE(read_file(folder / "a") == read_file(kGolden + "/attend.safetensors"));
}

TEST(Safetensors, WritesAndReadsAFileWithoutTensors) {
  TemporaryFolder folder;
  write_safetensors(folder / "a", {});
  const auto file = SafetensorsFile::open(folder / "a");
  EXPECT_TRUE(file.entries().empty());
  EXPECT_TRUE(file.names().empty());
  EXPECT_TRUE(file.metadata().empty());
  EXPECT_EQ(file.find("x"), nullptr);
  EXPECT_ERROR(file.at("x"), "has no tensor 'x'");
}

TEST(Safetensors, ReadsUnalignedDataAndMovesWithItsMapping) {
  const std::string file = file_of(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},)"
                                   R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                                   std::string("\x07\x00\x00\x80\x3f", 5));
  auto first = parse(file);
  const SafetensorsFile second = std::move(first);
  EXPECT_EQ(second.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(elements<float>(second.at("b")), std::vector<float>{1});
  EXPECT_EQ(elements<std::uint8_t>(second.at("a")), std::vector<std::uint8_t>{7});
}

struct Hostile {
  const char* what;
  std::string file;
  const char* message;
};

std::string header_of(std::string_view tensor, std::string_view data = "") {
  return file_of(fmt::format(R"({{"t":{}}})", tensor), data);
}

std::vector<Hostile> hostile_files() {
  const std::string good = R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max(), cap = 100'000'001;
  const auto with_length = [](std::uint64_t length) {
    std::string file = file_of("{}");
    std::memcpy(file.data(), &length, 8);
    return file;
  };
  return {
      {"empty", "", "it is empty"},
      {"seven bytes", "1234567", "needs 8"},
      {"no header", std::string(8, '\0'), "does not start with '{'"},
      {"header longer than the file", with_length(3), "truncated or damaged"},
      {"header beyond the limit", with_length(cap), "at most 100000000"},
      {"header of 2^64-1", with_length(huge), "at most 100000000"},
      {"header cut", file_of(R"({"t":{"dtype":)"), "not valid JSON"},
      {"text", "this is a text file, not a model, and has some length", "at most 100000000"},
      {"leading space", file_of(" {}"), "does not start with '{'"},
      {"list", file_of("[]"), "does not start with '{'"},
      {"two objects", file_of("{}{}"), "not valid JSON"},
      {"not UTF-8", file_of("{\"t\xff\":" + good + "}", "ab"), "not valid JSON in UTF-8"},
      {"zero byte", file_of(std::string("{}\0x", 4)), "zero byte"},
      {"comment", file_of("{/**/}"), "not valid JSON"},
      {"tensor is null", header_of("null"), "tensor 't' is null, not an object"},
      {"tensor is a number", header_of("1"), "tensor 't' is a number, not an object"},
      {"tensor is a list", header_of("[]"), "tensor 't' is a list, not an object"},
      {"empty tensor", header_of("{}"), "tensor 't' has no dtype"},
      {"no shape", header_of(R"({"dtype":"U8","data_offsets":[0,2]})", "ab"), "has no shape"},
      {"no offsets", header_of(R"({"dtype":"U8","shape":[2]})", "ab"), "has no data_offsets"},
      {"unknown dtype", header_of(R"({"dtype":"F8","shape":[2],"data_offsets":[0,2]})", "ab"), "'F8'"},
      {"hostile dtype", header_of(R"({"dtype":"\n\u001b[2J","shape":[2],"data_offsets":[0,2]})", "ab"),
       R"('\x0a\x1b[2J')"},
      {"hostile name", file_of(R"({"\r\n\u202e":[]})"), R"(tensor '\x0d\x0a\xe2\x80\xae' is a list)"},
      {"long name", file_of("{\"" + std::string(1000, 'n') + "\":1}"), "nnn'..."},
      {"dtype is a number", header_of(R"({"dtype":7})"), "the dtype of tensor 't' contains a number"},
      {"shape is a number", header_of(R"({"dtype":"U8","shape":2})"), "the shape of tensor 't' contains"},
      {"negative size", header_of(R"({"dtype":"U8","shape":[-2],"data_offsets":[0,2]})", "ab"), "negative"},
      {"fractional size", header_of(R"({"dtype":"U8","shape":[2.0],"data_offsets":[0,2]})", "ab"),
       "fractional"},
      {"size of 2^63", header_of(R"({"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,2]})"),
       "beyond 2^63"},
      {"size of 2^64", header_of(R"({"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,2]})"),
       "too large"},
      {"text as size", header_of(R"({"dtype":"U8","shape":["2"],"data_offsets":[0,2]})", "ab"), "a text"},
      {"nested shape", header_of(R"({"dtype":"U8","shape":[[2]],"data_offsets":[0,2]})", "ab"), "a list"},
      {"object as offsets", header_of(R"({"dtype":"U8","shape":[2],"data_offsets":{"0":2}})", "ab"),
       "data_offsets of tensor 't' contains an object"},
      {"negative offset", header_of(R"({"dtype":"U8","shape":[2],"data_offsets":[-2,0]})", "ab"), "negative"},
      {"one offset", header_of(R"({"dtype":"U8","shape":[2],"data_offsets":[0]})", "ab"), "1 data_offsets"},
      {"three offsets", header_of(R"({"dtype":"U8","shape":[2],"data_offsets":[0,2,2]})", "ab"),
       "more than 2 data_offsets"},
      {"offsets swapped", header_of(R"({"dtype":"U8","shape":[2],"data_offsets":[2,0]})", "ab"),
       "ends before it starts"},
      {"wrong shape", header_of(R"({"dtype":"U8","shape":[3],"data_offsets":[0,2]})", "ab"),
       "has 2 bytes of data; its dtype and shape need 3"},
      {"wrong dtype", header_of(R"({"dtype":"F32","shape":[2],"data_offsets":[0,2]})", "ab"), "need 8"},
      {"product overflows to 0",
       header_of(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"), "2^63"},
      {"product times element size overflows",
       header_of(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})"), "2^63"},
      {"overflow hidden by a zero",
       header_of(R"({"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]})"), "2^63"},
      {"truncated data", header_of(good, "a"), "truncated"},
      {"offsets of 2^64-1",
       header_of(R"({"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]})"),
       "unused"},
      {"trailing bytes", header_of(good, "abc"), "1 bytes after the last tensor are unused"},
      {"trailing bytes without tensors", file_of("{}", "a"), "1 bytes after the last tensor are unused"},
      {"hole at the start", header_of(R"({"dtype":"U8","shape":[1],"data_offsets":[1,2]})", "ab"),
       "1 bytes before the data of tensor 't' are unused"},
      {"hole",
       file_of(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
               R"("u":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
               "abc"),
       "before the data of tensor 'u' are unused"},
      {"overlap",
       file_of(R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
               R"("u":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
               "abc"),
       "overlaps"},
      {"shared data", file_of("{\"t\":" + good + ",\"u\":" + good + "}", "ab"), "overlaps"},
      {"name twice", file_of("{\"t\":" + good + ",\"t\":" + good + "}", "ab"), "'t' appears twice"},
      {"dtype twice", header_of(R"({"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]})", "ab"),
       "has dtype twice"},
      {"shape twice", header_of(R"({"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]})", "ab"),
       "has shape twice"},
      {"offsets twice", header_of(R"({"data_offsets":[0,2],"data_offsets":[0,2]})", "ab"),
       "has data_offsets twice"},
      {"unknown key", header_of(R"({"dtype":"U8","shape":[2],"offset":0})", "ab"), "unknown key 'offset'"},
      {"metadata is a text", file_of(R"({"__metadata__":"x"})"), "__metadata__ is a text"},
      {"metadata value is a number", file_of(R"({"__metadata__":{"a":1}})"), "value of 'a' is a number"},
      {"metadata value is an object", file_of(R"({"__metadata__":{"a":{}}})"), "value of 'a' is an object"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})"), "appears twice"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"","a":""}})"), "'a' appears twice"},
      {"deep objects", file_of([] {
         std::string text = "{";
         for (int i = 0; i < 200000; ++i) text += "\"a\":{";
         return text;
       }()),
       "unknown key 'a'"},
      {"deep lists", file_of(R"({"t":{"shape":)" + std::string(1000000, '[')), "contains a list"},
      {"boolean of 2", header_of(R"({"dtype":"BOOL","shape":[2],"data_offsets":[0,2]})", "\x01\x02"),
       "element 1 of tensor 't' is 2"},
  };
}

TEST(Safetensors, RefusesHostileFilesWithOneLine) {
  TemporaryFolder folder;
  for (const Hostile& hostile : hostile_files()) {
    SCOPED_TRACE(hostile.what);
    EXPECT_ERROR(parse(hostile.file), hostile.message);
    EXPECT_ERROR(parse(hostile.file), "x.safetensors is not a valid safetensors file: ");
    write_file_atomically(folder / "a", hostile.file);
    EXPECT_ERROR(SafetensorsFile::open(folder / "a"), hostile.message);
  }
  EXPECT_ERROR(SafetensorsFile::open(folder.path()), "folder");
  EXPECT_ERROR(SafetensorsFile::open(folder / "none"), "No such file");
}

TEST(Safetensors, EveryTruncationIsNoticedAndEveryBitFlipIsHarmless) {
  const std::string good = read_file(kGolden + "/attend.safetensors");
  parse(good);
  for (std::size_t length = 0; length < good.size(); ++length) {
    test::error_of([&] { parse(std::string_view(good).substr(0, length)); });
  }
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string file = good;
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << (bit % 8)));
    try {
      std::size_t total = 0;
      const SafetensorsFile parsed = parse(file);
      for (const auto& entry : parsed.entries()) {
        for (const std::byte b : entry.data) total += std::to_integer<std::size_t>(b);
      }
      EXPECT_GT(total, 0u);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Safetensors, RefusesToWriteWhatItWouldNotReadAndKeepsTheOldFile) {
  TemporaryFolder folder;
  const std::string path = folder / "a";
  const std::string two = "\x01\x02";
  const auto entry = [&](std::string name, DType dtype, Shape shape) {
    return SafetensorsEntry{std::move(name), dtype, std::move(shape), bytes_of(two)};
  };
  write_safetensors(path, std::vector{entry("t", DType::u8, {2})}, {{"a", "b"}});
  const std::string before = read_file(path);
  const auto refuse = [&](std::vector<SafetensorsEntry> tensors, const char* message,
                          const std::map<std::string, std::string>& metadata = {}) {
    EXPECT_ERROR(write_safetensors(path, tensors, metadata), message);
    EXPECT_ERROR(write_safetensors(path, tensors, metadata), path);
  };
  refuse({entry("", DType::u8, {2})}, "no name");
  refuse({entry("__metadata__", DType::u8, {2})}, "reserved");
  refuse({entry("t", DType::u8, {3})}, "need 3");
  refuse({entry("t", DType::f32, {2})}, "need 8");
  refuse({entry("t", DType::u8, {-2})}, "negative");
  refuse({entry("t", DType::u8, {1ll << 62, 4})}, "2^63");
  refuse({entry("t", DType::boolean, {2})}, "boolean");
  refuse({entry("t", DType::u8, {2}), entry("t", DType::bf16, {1})}, "two tensors are named 't'");
  refuse({entry("t\xff", DType::u8, {2})}, "not UTF-8");
  refuse({}, "not UTF-8", {{"a", "\xc0"}});
  EXPECT_EQ(read_file(path), before);
}

}  // namespace
}  // namespace attend::io
