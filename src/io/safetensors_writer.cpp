#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "attend/base/error.h"
#include "attend/io/file.h"
#include "attend/io/safetensors.h"
#include "io/printable.h"
#include "io/safetensors_format.h"

namespace attend::io {
namespace {

/// Throws Error unless the reader would accept this tensor.
void check(const SafetensorsEntry& tensor, const std::filesystem::path& path) {
  const auto fail = [&](std::string_view what) {
    throw Error(fmt::format("cannot write {}: tensor {} {}", path.string(), printable(tensor.name), what));
  };
  if (tensor.name.empty()) fail("has no name");
  if (tensor.name == kSafetensorsMetadataKey) fail("has a reserved name");
  const auto needed = safetensors_bytes(tensor.dtype, tensor.shape);
  if (!needed) fail("has a negative size or sizes that multiply to more than 2^63 bytes");
  if (*needed != tensor.data.size()) {
    fail(fmt::format("has {} bytes of data; its dtype and shape need {}", tensor.data.size(), *needed));
  }
  if (tensor.dtype == DType::boolean && find_bad_boolean(tensor.data)) fail("has a boolean neither 0 nor 1");
}

std::string make_header(std::span<const SafetensorsEntry* const> tensors,
                        const std::map<std::string, std::string>& metadata,
                        const std::filesystem::path& path) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json[std::string(kSafetensorsMetadataKey)] = metadata;
  std::uint64_t offset = 0;
  for (const SafetensorsEntry* tensor : tensors) {
    const std::uint64_t end = offset + tensor->data.size();
    json[tensor->name] = {{"dtype", safetensors_name(tensor->dtype)},
                          {"shape", tensor->shape},
                          {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string header;
  try {
    header = json.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(fmt::format("cannot write {}: a tensor name or metadata text is not UTF-8", path.string()));
  }
  // The data starts where SIMD loads from a mapped file are aligned.
  constexpr std::size_t kAlignment = 64;
  while ((sizeof(std::uint64_t) + header.size()) % kAlignment != 0) header += ' ';
  if (header.size() > kSafetensorsLongestHeader) {
    throw Error(fmt::format("cannot write {}: the header needs {} bytes; safetensors accepts {}",
                            path.string(), header.size(), kSafetensorsLongestHeader));
  }
  return header;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& tensor : tensors) {
    check(tensor, path);
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const std::size_t size_a = size_of(a->dtype), size_b = size_of(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  std::vector<std::string_view> names;
  for (const auto* tensor : order) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw Error(fmt::format("cannot write {}: two tensors are named {}", path.string(), printable(*twice)));
  }

  const std::string header = make_header(order, metadata, path);
  const std::uint64_t length = header.size();
  write_file_atomically(path, [&](const ByteSink& write) {
    write(std::as_bytes(std::span(&length, 1)));
    write(std::as_bytes(std::span(header)));
    for (const SafetensorsEntry* tensor : order) write(tensor->data);
  });
}

}  // namespace attend::io
