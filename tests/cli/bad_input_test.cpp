#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/tiny_model.h"
#include "support/sanitized.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

const std::string kTwice = "is given 2 times";

/// Every test works on a copy of one trained model, in a folder that must be the same afterwards.
class BadInput : public TinyModel {
 protected:
  void SetUp() override {
    fs::copy(model(), folder_ / "model", fs::copy_options::recursive);
    fs::copy(text(), folder_ / "text.txt");
  }

  fs::path in(const std::string& name) const { return folder_ / name; }
  fs::path weights() const { return in("model") / "model.safetensors"; }

  /// The program says what is wrong in one line that contains `part`, exits with 2 and changes no file.
  void refuses(const Words& arguments, const std::string& part, const ChildOptions& options = {}) {
    const auto before = contents(folder_.path());
    const Ended ended = attend(arguments, options);
    SCOPED_TRACE(::testing::PrintToString(arguments) + "\n" + ended.err);
    EXPECT_EQ(ended.code, 2);
    EXPECT_EQ(ended.out, "");
    EXPECT_TRUE(ended.err.starts_with("attend: "));
    EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1);
    EXPECT_TRUE(ended.err.ends_with('\n'));
    if (part.find(kTwice) == std::string::npos) {
      EXPECT_EQ(ended.err.find(kTwice), std::string::npos) << "by the test itself";
    }
    EXPECT_NE(ended.err.find(part), std::string::npos) << "expected part: " << part;
    EXPECT_TRUE(before == contents(folder_.path())) << "files have changed";
  }

  void refuses_training(const Words& more, const std::string& part) {
    refuses(train_tiny(in("text.txt"), in("new"), more), part);
  }

  /// Everything that reads a model refuses it.
  void refuses_model(const std::string& part) {
    const std::string path = in("model").string();
    refuses({"run", path, "--prompt", "the", "--tokens", "4"}, part);
    refuses({"eval", path, "--data", in("text.txt").string()}, part);
    // Sanitizers, under which a program takes long to begin, watch the reader of a model twice; that is
    // enough.
    if (kSanitized) return;
    refuses({"see", path, "the cat"}, part);
    refuses({"see", path, "the cat", "--out", in("page.html").string()}, part);
  }

  void change_config(const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json config = nlohmann::json::parse(read_all(in("model") / "config.json"));
    change(config);
    write_all(in("model") / "config.json", config.dump());
  }

  TemporaryFolder folder_;
};

/// A safetensors file taken apart: its header and the bytes of its tensors.
struct Parts {
  nlohmann::ordered_json header;
  std::string data;
};

Parts take_apart(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  return {nlohmann::ordered_json::parse(file.substr(8, length)), file.substr(8 + length)};
}

std::string put_together(const Parts& parts) {
  std::string header = parts.header.dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + parts.data;
}

TEST_F(BadInput, TheModelItselfIsGood) {
  const Ended ended = attend({"run", in("model").string(), "--prompt", "the", "--tokens", "4"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  // Neither what the tests do to a file apart from the damage makes it a bad one.
  write_all(weights(), put_together(take_apart(read_all(weights()))));
  const Ended again = attend({"run", in("model").string(), "--prompt", "the", "--tokens", "4"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out, ended.out);
}

TEST_F(BadInput, Text) {
  const auto refuses_text = [&](const std::string& name, const std::string& part) {
    refuses(train_tiny(in(name), in("new")), part);
  };
  refuses_text("missing.txt", "missing.txt");
  write_all(in("empty.txt"), "");
  refuses_text("empty.txt", "empty");
  write_all(in("one.txt"), "a");
  refuses_text("one.txt", "one.txt");
  write_all(in("bytes.txt"), tiny_text() + "\xff\xfe");
  refuses_text("bytes.txt", "UTF-8");
  fs::create_directory(in("folder"));
  write_all(in("folder") / "picture.png", "none");
  refuses_text("folder", "no text");
  fs::create_directory(in("texts"));
  write_all(in("texts") / "text.txt", tiny_text());
  refuses(train_tiny(in("texts"), in("texts") / "new"), "lies inside --data");
  const Words without = {"train", "generate", "--out", in("new").string()};
  refuses(without, "--data");
}

TEST_F(BadInput, TextOfEvaluation) {
  const std::string path = in("model").string();
  refuses({"eval", path, "--data", in("missing.txt").string()}, "missing.txt");
  write_all(in("empty.txt"), "");
  refuses({"eval", path, "--data", in("empty.txt").string()}, "empty");
  write_all(in("one.txt"), "a");
  refuses({"eval", path, "--data", in("one.txt").string()}, "at least 2");
  write_all(in("other.txt"), "the cat 🐈 is new here");
  refuses({"eval", path, "--data", in("other.txt").string(), "--split", "all"}, "🐈");
}

TEST_F(BadInput, Prompts) {
  const std::string path = in("model").string();
  refuses({"run", path, "--prompt", "the 🐈"}, "🐈");
  refuses({"run", path, "--file", in("missing.txt").string()}, "missing.txt");
  refuses({"see", path, ""}, "empty");
  refuses({"see", path, std::string(17, 'a')}, "17");
  refuses({"see", path, "the", "--layer", "2"}, "--layer 2");
  refuses({"see", path, "the", "--out", in("map.pdf").string()}, ".html");
  refuses({"see", path, "the", "--out", (in("missing") / "map.png").string()}, "missing");
}

TEST_F(BadInput, Options) {
  refuses_training({"--context", "100000"}, "context");
  refuses_training({"--heads", "3"}, "dim");
  refuses_training({"--layers", "0"}, "--layers: '0' given");
  refuses_training({"--steps", "many"}, "many");
  refuses_training({"--lr", "nan"}, "--lr");
  refuses_training({"--dropout", "1.5"}, "--dropout");
  refuses_training({"--precision", "f16"}, "bf16");
  refuses_training({"--preset", "nanoo"}, "nano");
  refuses_training({"--stepz", "3"}, "--steps");
  refuses_training({"surplus"}, "surplus");
  refuses({"trian", "generate"}, "train");
  refuses({"train"}, "generate");
  refuses({"train", "speak"}, "speak");
  refuses({"run"}, "model");
  refuses({"run", in("model").string(), "--temperature", "-1"}, "--temperature");
}

TEST_F(BadInput, HowOftenAnOptionIsGiven) {
  Words line = {"train", "generate", "--data", in("text.txt").string(), "--out", in("new").string()};
  refuses(line + Words{"--steps", "1", "--steps", "2"}, "attend: --steps is given 2 times: once is accepted");
  refuses(line + Words{"--lr", "1", "--lr", "2", "--lr", "3"}, "--lr is given 3 times: once is accepted");
  refuses(line + Words{"--steps"}, "--steps needs a value");
  refuses(line + Words{"--steps="}, "--steps needs a value");
  line = train_tiny(in("text.txt"), in("new"));
  refuses(line + Words{"--tied", "--no-tied"}, "--tied and --no-tied exclude each other");
  refuses(line + Words{"--no-bias", "--bias"}, "--bias and --no-bias exclude each other");
  // Another mistake is not taken for this one where an option may be given often.
  refuses({"run", in("model").string(), "--stop", "a", "--stop", "b", "--tokens"}, "--tokens needs a value");
}

TEST_F(BadInput, EmptyPaths) {
  const std::string path = in("model").string(), text = in("text.txt").string();
  refuses({"train", "generate", "--data", text, "--out", ""}, "--out: '' given, a path is needed");
  refuses({"train", "generate", "--data", "", "--out", in("new").string()}, "--data: '' given");
  refuses({"train", "generate", "--data", "", "--out", path, "--resume"}, "--data: '' given");
  refuses({"run", "", "--prompt", "a"}, "model: '' given");
  refuses({"run", path, "--file", ""}, "--file: '' given");
  refuses({"eval", "", "--data", text}, "model: '' given");
  refuses({"eval", path, "--data", ""}, "--data: '' given");
  refuses({"see", "", "the"}, "model: '' given");
  refuses({"see", path, "the", "--out", ""}, "--out: '' given");
  refuses({"info", ""}, "path: '' given");
}

TEST_F(BadInput, LineBreaksInNames) {
  refuses({"ru\nn"}, R"('ru\x0an')");
  refuses({"run", in("model").string(), "--to\nkens", "3"}, R"('--to\x0akens')");
  refuses({"run", in("model").string(), "--precision", "f\n32"}, R"('f\x0a32')");
  refuses({"run", in("model").string(), "--tokens", "4\x1b"}, R"('4\x1b')");
}

TEST_F(BadInput, NothingIsLeftOfATrainingThatWroteNothing) {
  // The tokenizer, which is written first, does not fit.
  std::string letters;
  for (char second = '\xb8'; second <= '\xbf'; ++second)
    for (char third = '\x80'; third <= '\xbf'; ++third) letters += {'\xe4', second, third};
  write_all(in("text.txt"), letters);
  const auto before = contents(folder_.path());
  const fs::path out = folder_ / "far" / "away";
  const auto expect_refused = [&](const fs::path& folder) {
    const Ended ended = attend(train_tiny(in("text.txt"), folder), {.file_size = kLeastFileSize});
    EXPECT_EQ(ended.code, 2) << ended.err;
    EXPECT_NE(ended.err.find("File too large"), std::string::npos) << ended.err;
  };
  expect_refused(out / "model");
  expect_refused(out / "model" / "");
  EXPECT_TRUE(before == contents(folder_.path()));
  fs::create_directories(out);
  expect_refused(out);
  EXPECT_TRUE(fs::is_empty(out)) << "or a folder was removed that was there before";
}

TEST_F(BadInput, WhatIsSaidCannotBeWritten) {
  EXPECT_EQ(attend({"info", in("nowhere").string()}, {.file_size = 0}).code, 2);
}

TEST_F(BadInput, TwoErrorsAreOneLine) {
  refuses({"run", in("mis\nsing").string(), "--prompt", "a"}, "sing");
}

TEST_F(BadInput, FolderHoldsAnotherModel) {
  refuses(train_tiny(in("text.txt"), in("model")), "--overwrite");
  fs::create_directory(in("home"));
  write_all(in("home") / "letter.txt", "dear");
  refuses(train_tiny(in("text.txt"), in("home"), {"--overwrite"}), "letter.txt");
  refuses(train_tiny(in("text.txt"), in("text.txt")), "folder");
}

TEST_F(BadInput, ResumeWithOtherOptions) {
  const fs::path out = in("model");
  refuses(train_tiny(in("text.txt"), out, {"--resume", "--dim", "32"}), "another model");
  refuses(train_tiny(in("text.txt"), out, {"--resume", "--seed", "12"}), "seed 12");
  write_all(in("other.txt"), tiny_text(121));
  refuses(train_tiny(in("other.txt"), out, {"--resume"}), "other.txt");
}

TEST_F(BadInput, Config) {
  const auto each = [&](const std::function<void(nlohmann::json&)>& change, const std::string& part) {
    const std::string good = read_all(in("model") / "config.json");
    change_config(change);
    refuses_model(part);
    refuses({"info", in("model").string()}, part);
    write_all(in("model") / "config.json", good);
  };
  each([](nlohmann::json& config) { config["task"] = "fold laundry"; }, "fold laundry");
  each([](nlohmann::json& config) { config["format"] = 2; }, "newer");
  each([](nlohmann::json& config) { config["format"] = "1"; }, "format");
  each([](nlohmann::json& config) { config["colour"] = 1; }, "colour");
  each([](nlohmann::json& config) { config["model"]["colour"] = 1; }, "colour");
  each([](nlohmann::json& config) { config["co\nlour"] = 1; }, R"('co\x0alour')");
  each([](nlohmann::json& config) { config["training"]["co\nlour"] = 1; }, R"('co\x0alour')");
  each([](nlohmann::json& config) { config["training"]["schedule"] = "co\nsine"; }, R"('co\x0asine')");
  each([](nlohmann::json& config) { config["task"] = "fo\nld"; }, R"('fo\x0ald')");
  each([](nlohmann::json& config) { config["training"]["colour"] = 1; }, "colour");
  each([](nlohmann::json& config) { config["training"]["batch"] = -1; }, "batch");
  each([](nlohmann::json& config) { config["training"]["batch"] = "four"; }, "batch");
  each([](nlohmann::json& config) { config["model"]["heads"] = 3; }, "heads");
  each([](nlohmann::json& config) { config["model"]["dim"] = nullptr; }, "dim");
  each([](nlohmann::json& config) { config.erase("model"); }, "model");
  each([](nlohmann::json& config) { config = nlohmann::json::array(); }, "config.json");
  const std::string good = read_all(in("model") / "config.json");
  write_all(in("model") / "config.json", good.substr(0, good.size() / 2));
  refuses_model("config.json");
  write_all(in("model") / "config.json", "");
  refuses_model("config.json");
  fs::remove(in("model") / "config.json");
  refuses_model("config.json");
  fs::remove_all(in("model"));
  refuses_model("no such folder");
}

TEST_F(BadInput, Tokenizer) {
  const fs::path path = in("model") / "tokenizer.json";
  const std::string good = read_all(path);
  write_all(path, good.substr(0, good.size() / 2));
  refuses_model("tokenizer.json");
  write_all(path, "");
  refuses_model("tokenizer.json");
  fs::remove(path);
  refuses_model("tokenizer");
  refuses(train_tiny(in("text.txt"), in("model"), {"--resume"}), "tokenizer");
}

TEST_F(BadInput, WeightsCut) {
  const std::string good = read_all(weights());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{100}, good.size() / 2, good.size() - 1}) {
    SCOPED_TRACE(size);
    write_all(weights(), good.substr(0, size));
    refuses_model("model.safetensors");
  }
  write_all(weights(), good + "x");
  refuses_model("model.safetensors");
  fs::remove(weights());
  refuses_model("model.safetensors");
}

TEST_F(BadInput, WeightsWithABitFlippedInTheHeader) {
  const std::string good = read_all(weights());
  std::uint64_t length = 0;
  std::memcpy(&length, good.data(), sizeof length);
  std::mt19937 random(20);
  int refused = 0;
  for (int i = 0; i < 24; ++i) {
    std::string bad = good;
    const std::size_t at = i < 8 ? static_cast<std::size_t>(i) : 8 + random() % length;
    const int bit = static_cast<int>(random() % 8);
    bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
    write_all(weights(), bad);
    const Ended ended = attend({"run", in("model").string(), "--prompt", "the", "--tokens", "2"});
    SCOPED_TRACE("byte " + std::to_string(at) + ", bit " + std::to_string(bit) + "\n" + ended.err);
    // A flip in a space after the header or in the metadata may leave a file that says the same.
    if (ended.code == 0) continue;
    ++refused;
    EXPECT_EQ(ended.code, 2);
    EXPECT_TRUE(ended.err.starts_with("attend: "));
    EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1);
  }
  EXPECT_GE(refused, 16);
}

TEST_F(BadInput, WeightsWithAHugeHeaderLength) {
  const std::string good = read_all(weights());
  for (const std::uint64_t length :
       {std::uint64_t{0}, static_cast<std::uint64_t>(good.size()), std::uint64_t{1} << 40,
        std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 7}) {
    SCOPED_TRACE(length);
    std::string bad = good;
    std::memcpy(bad.data(), &length, sizeof length);
    write_all(weights(), bad);
    refuses_model("model.safetensors");
  }
}

TEST_F(BadInput, WeightsOfAnotherShape) {
  const Parts good = take_apart(read_all(weights()));
  std::string matrix;
  for (const auto& item : good.header.items()) {
    const auto& value = item.value();
    if (item.key() != "__metadata__" && value["shape"].size() == 2 && value["shape"][0] != value["shape"][1])
      matrix = item.key();
  }
  ASSERT_NE(matrix, "");
  Parts turned = good;
  std::swap(turned.header[matrix]["shape"][0], turned.header[matrix]["shape"][1]);
  write_all(weights(), put_together(turned));
  refuses_model(matrix);
  Parts flat = good;
  const auto elements = flat.header[matrix]["shape"][0].get<std::int64_t>() *
                        flat.header[matrix]["shape"][1].get<std::int64_t>();
  flat.header[matrix]["shape"] = {elements};
  write_all(weights(), put_together(flat));
  refuses_model(matrix);
  Parts renamed = good;
  renamed.header["another"] = renamed.header[matrix];
  renamed.header.erase(matrix);
  write_all(weights(), put_together(renamed));
  refuses_model(matrix);
}

TEST_F(BadInput, WeightsWithNaN) {
  for (const float damage :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    SCOPED_TRACE(damage);
    Parts parts = take_apart(read_all(weights()));
    // The first tensor of the file, whichever it is: one damaged number anywhere must be found.
    std::memcpy(parts.data.data() + parts.data.size() / 2 / 4 * 4, &damage, sizeof damage);
    const std::string good = read_all(weights());
    write_all(weights(), put_together(parts));
    refuses_model("model.safetensors");
    write_all(weights(), good);
  }
}

TEST_F(BadInput, InstructionSet) {
  const ChildOptions nonsense = {.environment = {{"ATTEND_ISA", "nonsense"}}};
  refuses({"info"}, "nonsense", nonsense);
  refuses({"run", in("model").string(), "--prompt", "the"}, "nonsense", nonsense);
  refuses(train_tiny(in("text.txt"), in("new")), "nonsense", nonsense);
}

TEST_F(BadInput, FolderThatIsNotWritable) {
  refuses(train_tiny(in("text.txt"), in("text.txt") / "model"), "text.txt");
  refuses(train_tiny(in("text.txt"), "/proc/none/model"), "/proc/none");
}

}  // namespace
}  // namespace attend::test
