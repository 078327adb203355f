#include "support/gzipped.h"

#include <fstream>
#include <stdexcept>

#include "attend/io/file.h"
#include "io/process.h"
#include "support/temporary_folder.h"

namespace attend::test {

std::string gzipped(const std::string& content) {
  const TemporaryFolder folder;
  const std::filesystem::path plain = folder / "plain", packed = folder / "packed";
  std::ofstream(plain, std::ios::binary) << content;
  const io::ProcessResult result =
      io::run_process({"gzip", "-nc", plain.string()}, {.output = packed, .errors = folder / "errors"});
  if (result.end != io::ProcessEnd::exited || result.code != 0)
    throw std::runtime_error("gzip: " + io::read_file(folder / "errors"));
  return io::read_file(packed);
}

}  // namespace attend::test
