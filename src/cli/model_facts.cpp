#include "cli/model_facts.h"

#include "attend/base/error.h"

namespace attend::cli {

int show_model(const std::filesystem::path& folder, bool) {
  throw Error(folder.string() + ": no config.json there");
}

}  // namespace attend::cli
