#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attend/tensor/dtype.h"

/// The safetensors file format (https://huggingface.co/docs/safetensors):
///
///     8 bytes           N, the length of the header, little-endian
///     N bytes           JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
///                              "__metadata__": {"key": "value", ...}}, padded with spaces
///     to the end        the elements, row-major, little-endian; the offsets count from here
///
/// Names of element types: F32, BF16, F64, I32, I64, U8, BOOL. Others (F16, I8 ...) are not supported.
namespace attend::io {

/// One tensor of a safetensors file.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  /// The elements; size_of(dtype) times the product of `shape` bytes. Aligned to size_of(dtype) in files
  /// that we or the Python library wrote, but the format does not promise it: copy with memcpy.
  std::span<const std::byte> data;
};

/// A safetensors file, checked when it is opened and read on demand.
///
/// Everything in the file is taken as hostile. Opening throws Error, one line that names the file (and the
/// tensor), when: the header is longer than 100 MB or than the file; it is not the JSON object described
/// above, is not UTF-8, has a name twice, an unknown key, a negative or fractional number; a dtype is not
/// supported; a shape's product overflows; the offsets of a tensor do not match its dtype and shape; the
/// tensors overlap, leave a hole, or do not end where the file ends; a boolean is neither 0 nor 1.
class SafetensorsFile {
 public:
  /// Maps the file into memory.
  static SafetensorsFile open(const std::filesystem::path& path);

  /// Reads a file that is in memory already, which the caller keeps alive; `name` stands for the path in
  /// error messages.
  static SafetensorsFile from_memory(std::span<const std::byte> bytes, std::string_view name = "memory");

  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  /// All tensors in the order of their data.
  const std::vector<SafetensorsEntry>& entries() const;

  /// The names of all tensors in the order of their data.
  std::vector<std::string> names() const;

  /// The tensor of this name, or null. Valid as long as this object (or the one it is moved to) lives.
  const SafetensorsEntry* find(std::string_view name) const;

  /// The tensor of this name. Throws Error naming the file and the tensor when there is none.
  const SafetensorsEntry& at(std::string_view name) const;

  /// The entries of "__metadata__"; empty when there are none.
  const std::map<std::string, std::string>& metadata() const;

 private:
  struct Content;
  explicit SafetensorsFile(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

/// Replaces the file by one that holds these tensors, through write_file_atomically, without a copy of their
/// data in memory. Tensors are stored by descending element size, then by name, so each one is aligned to its
/// element size and equal arguments in any order give equal bytes; the data starts at a multiple of 64.
///
/// Throws Error naming the path (and the tensor) for an empty name, a name given twice, "__metadata__" as a
/// name, a name or metadata that is not UTF-8, a negative size, data whose length is not that of dtype and
/// shape, a boolean neither 0 nor 1, or when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace attend::io
