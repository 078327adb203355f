#include "attend/train/metrics_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "attend/io/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "train/crc32c.h"

namespace attend::train {
namespace {

std::uint32_t crc_of(std::string_view text) {
  return crc32c(std::as_bytes(std::span(text)));
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc_of(""), 0u);
  EXPECT_EQ(crc_of("123456789"), 0xE3069283u);            // the check value of the polynomial
  EXPECT_EQ(crc_of(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc_of(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(Crc32c, PartsGiveTheWhole) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 37);
  for (std::size_t cut : {0, 1, 7, 8, 9, 50, 100})
    EXPECT_EQ(crc32c(std::as_bytes(std::span(text).subspan(cut)), crc_of(text.substr(0, cut))), crc_of(text));
}

TEST(MetricsLog, WritesLines) {
  test::TemporaryFolder folder;
  MetricsLog log(folder / "metrics.jsonl");
  log.write(1, {{"loss", 2.5}, {"tokens", std::int64_t{768}}, {"note", "a \"b\"\n"}});
  EXPECT_EQ(io::read_file(folder / "metrics.jsonl"),
            R"({"step":1,"loss":2.5,"tokens":768,"note":"a \"b\"\n"})"
            "\n");
  log.write(2, {{"loss", std::nan("")}, {"rate", std::numeric_limits<double>::infinity()}, {"x", "\xff"}});
  log.write(2, {{"loss", 0.1}});
  EXPECT_EQ(io::read_file(folder / "metrics.jsonl"),
            R"({"step":1,"loss":2.5,"tokens":768,"note":"a \"b\"\n"})"
            "\n"
            R"({"step":2,"loss":null,"rate":null,"x":")"
            "\xEF\xBF\xBD"
            R"("})"
            "\n"
            R"({"step":2,"loss":0.1})"
            "\n");
}

TEST(MetricsLog, NewRunStartsEmpty) {
  test::TemporaryFolder folder;
  io::write_file_atomically(folder / "m", "{\"step\":0}\nold\n");
  MetricsLog log(folder / "m");
  EXPECT_EQ(io::read_file(folder / "m"), "");
}

TEST(MetricsLog, ResumeDropsLaterStepsAndTheUnfinishedLine) {
  test::TemporaryFolder folder;
  const std::string lines = "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n";
  const auto resumed = [&](const std::string& content, std::int64_t step) {
    io::write_file_atomically(folder / "m", content);
    MetricsLog log(folder / "m", step);
    return io::read_file(folder / "m");
  };
  EXPECT_EQ(resumed(lines, 0), "");
  EXPECT_EQ(resumed(lines, 2), "{\"step\":1}\n{\"step\":2}\n");
  EXPECT_EQ(resumed(lines, 3), lines);
  EXPECT_EQ(resumed(lines + "{\"step\":3,\"lo", 9), lines);
  EXPECT_EQ(resumed(lines + "{\"step\":3,\"loss\":1}", 9), lines);  // no end of line: not finished
  EXPECT_EQ(resumed("rubbish\n" + lines + "\n\xff\n", 9), "rubbish\n" + lines);
  EXPECT_EQ(resumed("", 5), "");
  MetricsLog missing(folder / "missing", 7);
  missing.write(8, {{"loss", 1.0}});
  EXPECT_EQ(io::read_file(folder / "missing"), "{\"step\":8,\"loss\":1.0}\n");
}

TEST(MetricsLog, NamesTheFileThatCannotBeWritten) {
  test::TemporaryFolder folder;
  EXPECT_ERROR(MetricsLog(folder / "none/metrics.jsonl"), "none/metrics.jsonl");
  EXPECT_ERROR(MetricsLog(folder.path()), "cannot write");
}

TEST(MetricsLog, FullDiskLeavesWholeLines) {
  test::TemporaryFolder folder;
  MetricsLog log(folder / "m");
  log.write(1, {{"loss", 1.0}});
  const std::string before = io::read_file(folder / "m");
  // A file-size limit stops a write in its middle, as a full disk does.
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small = old;
  small.rlim_cur = before.size() + 5;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = test::error_of([&] { log.write(2, {{"loss", 1.0}}); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find("cannot write"), std::string::npos) << message;
  EXPECT_EQ(io::read_file(folder / "m"), before);
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (unsigned char c : bytes) text += fmt::format("{:02x}", c);
  return text;
}

// What tests/golden/make_events.py prints: the bytes of TensorBoard's own writer.
TEST(EventFile, WritesTheBytesOfTensorBoard) {
  test::TemporaryFolder folder;
  EventFile file(folder / "events");
  file.write(300, {{"loss", 1.5}, {"note", "text"}, {"tokens", std::int64_t{2}}}, 1.0);
  EXPECT_EQ(hex(io::read_file(folder / "events")),
            "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a"
            "2a00000000000000ae8d91f509000000000000f03f10ac022a1c0a0b0a046c6f7373150000c03f0a0d0a06746f6b656e"
            "73150000004011d90ddc");
}

TEST(EventFile, ResumeDropsLaterStepsAndDamage) {
  test::TemporaryFolder folder;
  const auto path = folder / "events";
  std::vector<std::size_t> sizes;
  {
    EventFile file(path);
    for (std::int64_t step : {1, 200, 30000}) {
      file.write(step, {{"loss", 1.0 / static_cast<double>(step)}}, 1e9);
      sizes.push_back(io::read_file(path).size());
    }
  }
  const std::string all = io::read_file(path);
  const auto resumed = [&](const std::string& content, std::int64_t step) {
    io::write_file_atomically(path, content);
    EventFile file(path, step);
    return io::read_file(path);
  };
  EXPECT_EQ(resumed(all, 30000), all);
  EXPECT_EQ(resumed(all, 29999), all.substr(0, sizes[1]));
  EXPECT_EQ(resumed(all, 1), all.substr(0, sizes[0]));
  EXPECT_EQ(resumed(all, -1), "");
  for (std::size_t cut = sizes[1]; cut < all.size(); ++cut)
    EXPECT_EQ(resumed(all.substr(0, cut), 30000), all.substr(0, sizes[1])) << cut;
  for (std::size_t at = sizes[1]; at < all.size(); ++at) {
    std::string damaged = all;
    damaged[at] ^= 0x10;
    EXPECT_EQ(resumed(damaged, 30000), all.substr(0, sizes[1])) << at;
  }
  EXPECT_EQ(resumed("not an event file at all", 5), "");
  // A length that would run over the end of memory.
  EXPECT_EQ(resumed(std::string(8, '\xff') + std::string(30, '\0'), 5), "");
}

TEST(EventFile, GoesOnAfterResume) {
  test::TemporaryFolder folder;
  {
    EventFile file(folder / "a");
    for (int step : {1, 2, 3}) file.write(step, {{"loss", 0.5}}, 1e9);
  }
  {
    EventFile file(folder / "b");
    for (int step : {1, 2, 5}) file.write(step, {{"loss", 0.5}}, 1e9);
  }
  EventFile file(folder / "b", 2);
  file.write(3, {{"loss", 0.5}}, 1e9);
  EXPECT_EQ(io::read_file(folder / "a"), io::read_file(folder / "b"));
}

}  // namespace
}  // namespace attend::train
