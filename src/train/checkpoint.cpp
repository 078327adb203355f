#include "attend/train/checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "train/crc32c.h"

namespace attend::train {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr const char* kManifest = "manifest.json";
constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::size_t kLongestManifest = 1 << 20;

/// A folder named checkpoint-STEP or checkpoint-STEP-SERIAL.
struct Candidate {
  std::int64_t step = 0, serial = 1;
  fs::path folder;
};

std::optional<Candidate> candidate_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  Candidate result{.folder = folder};
  const char* end = name.data() + name.size();
  auto read = std::from_chars(name.data() + kPrefix.size(), end, result.step);
  if (read.ec != std::errc() || result.step < 0) return std::nullopt;
  if (read.ptr != end) {
    if (*read.ptr != '-') return std::nullopt;
    read = std::from_chars(read.ptr + 1, end, result.serial);
    if (read.ec != std::errc() || read.ptr != end || result.serial < 2) return std::nullopt;
  }
  return result;
}

/// All candidates, latest first. Links are not followed: what they lead to is not ours to remove.
std::vector<Candidate> candidates_in(const fs::path& folder) {
  std::vector<Candidate> result;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored) || !entry->is_directory(ignored)) continue;
    if (auto candidate = candidate_of(entry->path())) result.push_back(std::move(*candidate));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::sort(result.begin(), result.end(), [](const Candidate& a, const Candidate& b) {
    return std::pair(a.step, a.serial) > std::pair(b.step, b.serial);
  });
  return result;
}

bool has_manifest(const Candidate& candidate) {
  std::error_code ignored;
  return fs::exists(candidate.folder / kManifest, ignored);
}

/// Without its manifest first, so that a half-removed checkpoint never looks like a damaged one.
void remove(const Candidate& candidate) {
  std::error_code error;
  fs::remove(candidate.folder / kManifest, error);
  if (!error) fs::remove_all(candidate.folder, error);
  if (error) throw Error(fmt::format("cannot remove {}: {}", candidate.folder.string(), error.message()));
}

std::string checksum_of(std::span<const std::byte> bytes) {
  return fmt::format("{:08x}", crc32c(bytes));
}

void flush_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    throw Error(fmt::format("cannot write {}: {}", folder.string(), std::generic_category().message(errno)));
  // EINVAL: this file system has no flush for folders.
  const int error = ::fsync(fd) != 0 && errno != EINVAL ? errno : 0;
  ::close(fd);
  if (error != 0)
    throw Error(fmt::format("cannot write {}: {}", folder.string(), std::generic_category().message(error)));
}

void verify_file(const fs::path& path, const nlohmann::json& entry) {
  const io::MappedFile file(path);
  if (!entry.is_object() || !entry.contains("size") || !entry.contains("crc32c"))
    throw Error(fmt::format("{}: its entry in {} is damaged", path.string(), kManifest));
  if (entry["size"] != file.bytes().size())
    throw Error(fmt::format("{} has {} bytes, {} says {}", path.string(), file.bytes().size(), kManifest,
                            entry["size"].dump()));
  if (entry["crc32c"] != checksum_of(file.bytes()))
    throw Error(fmt::format("{} is damaged: its checksum is not the one in {}", path.string(), kManifest));
}

/// A hostile manifest must not lead out of its folder, nor into an error message of several lines.
bool is_plain_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.front() != '.' && name.find_first_not_of(kAllowed) == name.npos;
}

/// Throws Error naming what is wrong; returns false for a newer format.
bool verify(const Candidate& candidate) {
  const fs::path path = candidate.folder / kManifest;
  const auto manifest = nlohmann::json::parse(io::read_file(path, kLongestManifest), nullptr, false);
  if (!manifest.is_object() || !manifest.contains("format") || !manifest["format"].is_number_integer())
    throw Error(fmt::format("{} is damaged: not a manifest", path.string()));
  if (manifest["format"] > kFormat) return false;
  if (manifest["format"] != kFormat || !manifest.contains("step") || manifest["step"] != candidate.step ||
      !manifest.contains("files") || !manifest["files"].is_object())
    throw Error(fmt::format("{} is damaged: not the manifest of step {}", path.string(), candidate.step));
  for (const auto& [name, entry] : manifest["files"].items()) {
    if (!is_plain_name(name))
      throw Error(fmt::format("{} is damaged: it names a file that is none of ours", path.string()));
    verify_file(candidate.folder / name, entry);
  }
  return true;
}

/// Writes all files and the manifest into a new folder.
void write_checkpoint(const fs::path& folder, std::int64_t step, const std::vector<CheckpointFile>& files) {
  nlohmann::ordered_json manifest = {
      {"format", kFormat}, {"step", step}, {"files", nlohmann::json::object()}};
  for (const CheckpointFile& file : files) {
    const fs::path path = folder / file.name;
    file.write(path);
    const io::MappedFile written(path);
    manifest["files"][file.name] = {{"size", written.bytes().size()},
                                    {"crc32c", checksum_of(written.bytes())}};
  }
  flush_folder(folder.parent_path());
  io::write_file_atomically(folder / kManifest, manifest.dump(2) + "\n");
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder) : folder_(std::move(folder)) {}

CheckpointFolder::~CheckpointFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void CheckpointFolder::lock() {
  if (lock_ >= 0) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error(fmt::format("cannot make {}: {}", folder_.string(), error.message()));
  const fs::path path = folder_ / "lock";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0)
    throw Error(fmt::format("cannot write {}: {}", path.string(), std::generic_category().message(errno)));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(fd);
    throw Error(reason == EWOULDBLOCK ? fmt::format("another process is training in {}", folder_.string())
                                      : fmt::format("cannot lock {}: {}", path.string(),
                                                    std::generic_category().message(reason)));
  }
  lock_ = fd;
}

void CheckpointFolder::save(std::int64_t step, const std::vector<CheckpointFile>& files) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error(fmt::format("cannot make {}: {}", folder_.string(), error.message()));
  std::vector<Candidate> older = candidates_in(folder_);
  // What a killed process left takes room on the disk and has no use.
  for (const Candidate& candidate : older)
    if (!has_manifest(candidate)) remove(candidate);
  std::erase_if(older, [](const Candidate& candidate) { return !has_manifest(candidate); });

  Candidate fresh{.step = step, .folder = folder_ / fmt::format("{}{}", kPrefix, step)};
  for (const Candidate& candidate : older)
    if (candidate.step == step && candidate.serial >= fresh.serial) {
      fresh.serial = candidate.serial + 1;
      fresh.folder = folder_ / fmt::format("{}{}-{}", kPrefix, step, fresh.serial);
    }
  if (!fs::create_directory(fresh.folder, error))
    throw Error(fmt::format("cannot make {}: {}", fresh.folder.string(),
                            error ? error.message() : "something is there"));
  try {
    write_checkpoint(fresh.folder, step, files);
  } catch (...) {
    fs::remove_all(fresh.folder, error);
    throw;
  }
  for (const Candidate& candidate : older) remove(candidate);
}

std::optional<FoundCheckpoint> CheckpointFolder::find() const {
  FoundCheckpoint found;
  bool none = true;
  for (const Candidate& candidate : candidates_in(folder_)) {
    if (candidate.step == 0 && candidate.serial == 1 && !has_manifest(candidate)) continue;
    none = false;
    if (!has_manifest(candidate)) continue;
    bool known = true;
    try {
      known = verify(candidate);
    } catch (const Error& damage) {
      found.damaged.emplace_back(damage.what());
      continue;
    }
    if (!known)
      throw Error(fmt::format("{} is of a newer format than this program knows ({})",
                              (candidate.folder / kManifest).string(), kFormat));
    found.step = candidate.step;
    found.folder = candidate.folder;
    return found;
  }
  if (none) return std::nullopt;
  throw Error(found.damaged.empty()
                  ? fmt::format("{} holds no whole checkpoint: manifest.json is missing", folder_.string())
                  : fmt::format("{} holds no whole checkpoint: {}", folder_.string(), found.damaged.front()));
}

bool CheckpointFolder::has_any() const {
  return !candidates_in(folder_).empty();
}

}  // namespace attend::train
