#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attend::data {

/// Texts, each with the vector that a model made of it, to be searched.
///
/// As a file, all numbers little-endian:
///
///     8 bytes   "ATTNIDX1"
///     8 bytes   checksum of the weights of the model that made the vectors
///     8 bytes   dim, the numbers of a vector, 1 to 2^20
///     8 bytes   n, the number of texts, at least 1
///     8 bytes   bytes of all texts together
///     the vectors, n * dim f32
///     8 bytes   for each text, the number of bytes up to its end
///     the texts, one after the other (UTF-8)
///     8 bytes   checksum of everything before it (data::checksum)
class EmbeddingIndex {
 public:
  /// An empty one. Throws Error for a dim out of range.
  EmbeddingIndex(std::int64_t dim, std::uint64_t model);

  /// Throws Error for a vector of another length or with a number that is not finite.
  void add(std::string_view text, std::span<const float> vector);

  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  std::int64_t dim() const { return dim_; }
  /// The checksum of the model's weights.
  std::uint64_t model() const { return model_; }

  /// Text i. Throws Error unless 0 <= i < size().
  std::string_view text(std::int64_t i) const;
  /// The vectors [begin, end), row-major. Throws Error unless 0 <= begin <= end <= size().
  std::span<const float> vectors(std::int64_t begin, std::int64_t end) const;

  /// Replaces the file as a whole or not at all. Throws Error naming the path when it cannot be written, and
  /// for an index without texts.
  void save(const std::filesystem::path& path) const;

  /// Reads what save() wrote. Throws Error naming the path when it is missing, no index, of a newer format,
  /// cut short, or damaged anywhere.
  static EmbeddingIndex load(const std::filesystem::path& path);
  /// The same for bytes in memory; `source` stands for the file in messages.
  static EmbeddingIndex parse(std::span<const std::byte> bytes, std::string_view source);

  /// Whether the file begins as an index does, in any version. False for a file that cannot be read.
  static bool is_index(const std::filesystem::path& path);

 private:
  std::int64_t dim_;
  std::uint64_t model_;
  std::vector<float> vectors_;
  std::vector<std::uint64_t> ends_;
  std::string texts_;
};

}  // namespace attend::data
