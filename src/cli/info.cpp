#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attend/backend/processor.h"
#include "attend/base/version.h"
#include "attend/io/safetensors.h"
#include "cli/checks.h"
#include "cli/model_facts.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace attend::cli {

namespace {

struct InfoOptions {
  std::string path;
  bool json = false;
};

struct Memory {
  std::uint64_t total = 0, available = 0;
};

Memory memory_of_machine() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return {};
  return {info.totalram * info.mem_unit, (info.freeram + info.bufferram) * info.mem_unit};
}

int show_machine(bool json) {
  const Processor machine = processor();
  const Memory memory = memory_of_machine();
  if (json) {
    const nlohmann::ordered_json facts = {{"version", version()},
                                          {"processor", machine.name},
                                          {"threads", machine.threads},
                                          {"kernels", machine.kernels},
                                          {"kernels_compiled_for", machine.kernels_compiled_for},
                                          {"kernels_available", machine.available},
                                          {"kernels_forced", machine.forced},
                                          {"fast_bf16", machine.fast_bf16},
                                          {"onednn", machine.onednn},
                                          {"memory_bytes", memory.total},
                                          {"memory_free_bytes", memory.available}};
    print(facts.dump(2) + "\n");
    return kSuccess;
  }
  constexpr double kGigabyte = 1e9;
  print(fmt::format(
      "attend     {}\n"
      "processor  {}\n"
      "threads    {}\n"
      "kernels    {}{}, compiled for {}\n"
      "available  {} (ATTEND_ISA=NAME chooses one)\n"
      "bfloat16   {}\n"
      "oneDNN     {}\n"
      "memory     {:.1f} GB, {:.1f} GB free\n",
      version(), machine.name, machine.threads, machine.kernels,
      machine.forced ? " (forced by ATTEND_ISA)" : "", machine.kernels_compiled_for,
      fmt::join(machine.available, ", "), machine.fast_bf16 ? "dot products in hardware" : "emulated",
      machine.onednn, static_cast<double>(memory.total) / kGigabyte,
      static_cast<double>(memory.available) / kGigabyte));
  return kSuccess;
}

int show_safetensors(const std::string& path, bool json) {
  const io::SafetensorsFile file = io::SafetensorsFile::open(path);
  std::int64_t elements = 0;
  std::size_t bytes = 0;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::string lines;
  for (const io::SafetensorsEntry& entry : file.entries()) {
    std::int64_t count = 1;
    for (const std::int64_t size : entry.shape) count *= size;
    elements += count;
    bytes += entry.data.size();
    if (json) {
      list.push_back({{"name", entry.name}, {"dtype", name_of(entry.dtype)}, {"shape", entry.shape}});
    } else {
      lines +=
          fmt::format("{:<48} {:<5} [{}]\n", entry.name, name_of(entry.dtype), fmt::join(entry.shape, ", "));
    }
  }
  if (json) {
    const nlohmann::ordered_json facts = {
        {"tensors", list}, {"elements", elements}, {"bytes", bytes}, {"metadata", file.metadata()}};
    print(facts.dump(2) + "\n");
    return kSuccess;
  }
  for (const auto& [key, value] : file.metadata()) lines += fmt::format("metadata {} = {}\n", key, value);
  print(fmt::format("{}{} tensors, {} elements, {} bytes\n", lines, file.entries().size(), elements, bytes));
  return kSuccess;
}

int show_info(const InfoOptions& options) {
  if (options.path.empty()) return show_machine(options.json);
  if (std::filesystem::is_directory(options.path)) return show_model(options.path, options.json);
  return show_safetensors(options.path, options.json);
}

}  // namespace

void add_info(CLI::App& program, std::vector<Verb>& verbs) {
  CLI::App* verb =
      program.add_subcommand("info", "Tell about this machine, a model folder or a safetensors file");
  auto options = std::make_shared<InfoOptions>();
  verb->add_option("path", options->path, "A model folder or a .safetensors file; without it, this machine")
      ->option_text("[DIR|FILE]")
      ->check(path());
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "Examples:\n"
      "  attend info\n"
      "  attend info model\n"
      "  attend info model/model.safetensors --json\n\n"
      "ATTEND_ISA=NAME in the environment chooses the kernels, OMP_NUM_THREADS the number of threads.");
  verbs.push_back({verb, [options] { return show_info(*options); }});
}

}  // namespace attend::cli
