#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace attend::test {

struct NiftiContent {
  std::vector<std::int16_t> shape;
  std::int16_t type = 2;  ///< the code of the elements
  float slope = 0, intercept = 0;
  float offset = 352;  ///< of the voxels
  bool swapped = false;
};

/// The bytes of a number, in the other byte order if it is to be swapped.
template <class T>
std::string number_bytes(T value, bool swapped = false) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

/// A NIfTI-1 file whose voxels are these numbers.
template <class T>
std::string nifti_file(const NiftiContent& content, const std::vector<T>& voxels) {
  std::string bytes(352, '\0');
  const auto put = [&](std::size_t place, const std::string& number) {
    bytes.replace(place, number.size(), number);
  };
  const bool swapped = content.swapped;
  put(0, number_bytes<std::int32_t>(348, swapped));
  put(40, number_bytes(static_cast<std::int16_t>(content.shape.size()), swapped));
  for (std::size_t i = 0; i < content.shape.size(); ++i) {
    put(42 + 2 * i, number_bytes(content.shape[i], swapped));
    put(80 + 4 * i, number_bytes(static_cast<float>(i + 1), swapped));
  }
  put(70, number_bytes(content.type, swapped));
  put(108, number_bytes(content.offset, swapped));
  put(112, number_bytes(content.slope, swapped));
  put(116, number_bytes(content.intercept, swapped));
  put(344, "n+1");
  for (const T voxel : voxels) bytes += number_bytes(voxel, swapped);
  return bytes;
}

}  // namespace attend::test
