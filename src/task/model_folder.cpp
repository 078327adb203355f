#include "task/model_folder.h"

#include <fmt/format.h>

#include <array>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/task/task.h"
#include "attend/train/metrics_log.h"
#include "io/printable.h"

namespace attend::task {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxConfigBytes = 16 << 20;

constexpr std::array<std::string_view, 13> kOwnNames = {kConfigFile,
                                                        kWeightsFile,
                                                        kCardFile,
                                                        "tokenizer.json",
                                                        "tokenizer.model",
                                                        "metrics.jsonl",
                                                        train::EventFile::kName,
                                                        kTargetFolder,
                                                        "search",
                                                        "generator",
                                                        "answers.index",
                                                        "documents.index",
                                                        "training"};

bool is_own(const fs::path& entry) {
  std::string name = entry.filename().string();
  if (name.ends_with(".part")) name.resize(name.size() - 5);
  for (const std::string_view own : kOwnNames) {
    if (name == own) return true;
  }
  return false;
}

}  // namespace

Json read_config(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) throw Error(fmt::format("{}: no such folder", folder.string()));
  if (!fs::is_directory(folder, ignored))
    throw Error(fmt::format("{}: a model folder is needed", folder.string()));
  const fs::path path = folder / kConfigFile;
  if (!fs::exists(path, ignored))
    throw Error(fmt::format("{}: no model there, {} is missing", folder.string(), kConfigFile));
  Json config;
  try {
    config = Json::parse(io::read_file(path, kMaxConfigBytes));
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", path.string()));
  }
  if (!config.is_object() || !config.contains("format") || !config["format"].is_number_integer() ||
      !config.contains("task") || !config["task"].is_string())
    throw Error(fmt::format("{}: no model of attend, a JSON object with \"format\" and \"task\" is needed",
                            path.string()));
  const auto format = config["format"].get<std::int64_t>();
  if (format != kFormat)
    throw Error(fmt::format("{}: format {}; this version reads format {}{}", path.string(), format, kFormat,
                            format > kFormat ? ", a newer attend is needed" : ""));
  try {
    find_task(config["task"].get<std::string>());
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path.string(), error.what()));
  }
  return config;
}

bool holds_model(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kConfigFile, ignored);
}

void check_vacant(const fs::path& folder, bool resume, bool overwrite) {
  if (folder.empty()) throw Error("--out: an empty path given, the model folder to make is needed");
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error))
    throw Error(fmt::format("--out {}: a file, a folder is needed", folder.string()));
  bool any = false;
  auto entry = fs::directory_iterator(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    any = true;
    if (!is_own(entry->path()))
      throw Error(fmt::format("--out {}: holds {}, which is no part of a model; choose an empty folder",
                              folder.string(), io::printable(entry->path().filename().string())));
  }
  if (error) throw Error(fmt::format("--out {}: {}", folder.string(), error.message()));
  if (any && !resume && !overwrite)
    throw Error(
        fmt::format("--out {}: already holds a model; --resume goes on with it, --overwrite replaces it",
                    folder.string()));
}

void remove_model(const fs::path& folder) {
  std::error_code error;
  for (const std::string_view name : kOwnNames) {
    fs::remove_all(folder / name, error);
    if (!error) fs::remove(folder / (std::string(name) + ".part"), error);
    if (error) throw Error(fmt::format("cannot remove {}: {}", (folder / name).string(), error.message()));
  }
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(fmt::format("cannot make {}: {}", folder.string(), error.message()));
}

void NewFolders::make(const fs::path& folder) {
  std::error_code ignored;
  // A path that ends in a separator names its last folder twice.
  const fs::path whole = fs::absolute(folder, ignored).lexically_normal();
  for (fs::path part = whole.has_filename() ? whole : whole.parent_path();
       part.has_relative_path() && !fs::exists(part, ignored); part = part.parent_path())
    made_.push_back(part);
  make_folder(folder);
}

NewFolders::~NewFolders() {
  std::error_code ignored;
  for (const fs::path& folder : made_) fs::remove(folder, ignored);
}

}  // namespace attend::task
