#include "io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <type_traits>

#include "attend/base/error.h"

namespace attend::io {
namespace {

struct CloseFile {
  void operator()(gzFile file) const { gzclose_r(file); }
};
using File = std::unique_ptr<std::remove_pointer_t<gzFile>, CloseFile>;

}  // namespace

std::string read_gzip_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const auto fail = [&](const std::string& reason) {
    throw Error(fmt::format("cannot read {}: {}", path.string(), reason));
  };
  errno = 0;
  const File file(gzopen(path.c_str(), "rbe"));
  if (file == nullptr) fail(std::generic_category().message(errno));
  std::string content;
  std::array<char, 1 << 15> buffer{};
  for (;;) {
    errno = 0;
    const int count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    const int system_error = errno;
    // What is cut short gives all its bytes first, and only the error tells of it.
    int code = Z_OK;
    const std::string reason = gzerror(file.get(), &code);
    if (code == Z_ERRNO) fail(std::generic_category().message(system_error));
    if (code != Z_OK && code != Z_STREAM_END) fail(reason);
    if (count <= 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > max_bytes) fail(fmt::format("longer than {} bytes", max_bytes));
  }
}

}  // namespace attend::io
