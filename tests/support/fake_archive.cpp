#include "support/fake_archive.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "attend/io/file.h"
#include "io/process.h"

namespace attend::test {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

/// Stands for the checksum of an English description.
std::string md5_of(const FakePackage& package) {
  return fmt::format("{:032x}", std::hash<std::string>()(package.name));
}

}  // namespace

FakeArchive::FakeArchive(const std::vector<FakePackage>& packages,
                         const std::vector<std::string>& languages) {
  write_configuration();
  architecture_ = run({"dpkg", "--print-architecture"});
  architecture_.pop_back();
  std::string list;
  std::map<std::string, std::string> translations = {{"en", ""}};
  for (const std::string& language : languages) translations[language];
  for (const FakePackage& package : packages) {
    list += fmt::format("Package: {}\nVersion: 1\nArchitecture: {}\n", package.name, architecture_);
    if (package.source != package.name) list += fmt::format("Source: {} (1.0)\n", package.source);
    list +=
        fmt::format("Section: {}\nDescription: {}\nDescription-md5: {}\nFilename: pool/{}.deb\nSize: 1\n\n",
                    package.section, package.synopsis, md5_of(package), package.name);
    auto texts = package.translations;
    texts.emplace_back("en", package.synopsis + "\n" + package.description);
    for (const auto& [language, text] : texts)
      translations[language] += fmt::format("Package: {}\nDescription-md5: {}\nDescription-{}: {}\n\n",
                                            package.name, md5_of(package), language, text);
  }
  lists_.push_back("main/binary-" + architecture_ + "/Packages");
  write(this->list(lists_.back()), list);
  for (const auto& [language, text] : translations) {
    const std::string name = "main/i18n/Translation-" + language;
    write(this->list(name), text);
    // apt takes a list only if the release names it as it is without compression.
    sums_ += line_of_release(name);
    run({"gzip", "-n", this->list(name).string()});
    lists_.push_back(name + ".gz");
  }
}

void FakeArchive::write_configuration() const {
  const std::string root = folder_.path().string();
  for (const char* folder : {"lists/partial", "archive/pool"}) fs::create_directories(folder_ / folder);
  write(folder_ / "status", "");
  write(folder_ / "sources.list", fmt::format("deb [trusted=yes] copy:{}/archive fake main\n", root));
  write(configuration(), fmt::format("Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n"
                                     "Dir::Etc::sourcelist \"{0}/sources.list\";\n"
                                     "Dir::Etc::sourceparts \"/dev/null\";\n"
                                     "Dir::Etc::preferences \"/dev/null\";\n"
                                     "Dir::Etc::preferencesparts \"/dev/null\";\n"
                                     "Dir::State::lists \"{0}/lists/\";\nDir::State::status \"{0}/status\";\n"
                                     "Acquire::Languages \"none\";\n"
                                     "APT::Update::Post-Invoke {{ \"touch {0}/invoked\"; }};\n",
                                     root));
}

void FakeArchive::add_file(const std::string& package, const std::string& path, const std::string& content) {
  add_files(package, {{path, content}});
}

void FakeArchive::add_files(const std::string& package, const std::map<std::string, std::string>& files,
                            const std::string& documented_by) {
  const fs::path tree = folder_ / ("tree-" + package), deb = folder_ / ("archive/pool/" + package + ".deb");
  write(tree / "DEBIAN/control",
        fmt::format("Package: {}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
                    "Description: a book\n",
                    package));
  for (const auto& [path, content] : files) write(tree / path, content);
  const fs::path documentation = tree / "usr/share/doc" / package;
  if (documented_by.empty()) {
    write(documentation / "copyright", "Anybody may read it.\n");
  } else {
    fs::create_directories(documentation.parent_path());
    fs::create_symlink(documented_by, documentation);
  }
  run({"dpkg-deb", "--build", "--root-owner-group", tree.string(), deb.string()});
  std::ofstream(list(lists_.front()), std::ios::app) << fmt::format(
      "Package: {}\nVersion: 1\nArchitecture: all\nSection: devel\nDescription: a book\n"
      "Filename: pool/{}.deb\nSize: {}\nSHA256: {}\n\n",
      package, package, fs::file_size(deb), checksum(deb));
}

void FakeArchive::sign() {
  std::string release = fmt::format(
      "Origin: Debian\nLabel: Debian\nSuite: stable\nVersion: 1.0\nCodename: fake\n"
      "Date: Wed, 01 Jan 2020 00:00:00 UTC\nArchitectures: all {}\nComponents: main\nSHA256:\n{}",
      architecture_, sums_);
  for (const std::string& name : lists_) release += line_of_release(name);
  write(list("Release"), release);
}

std::string FakeArchive::line_of_release(const std::string& name) const {
  return fmt::format(" {} {} {}\n", checksum(list(name)), fs::file_size(list(name)), name);
}

std::string FakeArchive::checksum(const fs::path& file) const {
  return run({"sha256sum", file.string()}).substr(0, 64);
}

std::string FakeArchive::run(const std::vector<std::string>& words) const {
  const fs::path output = folder_ / "output", errors = folder_ / "errors";
  const io::ProcessResult result = io::run_process(words, {.output = output, .errors = errors});
  if (result.end != io::ProcessEnd::exited || result.code != 0)
    throw std::runtime_error(words[0] + ": " + io::read_file(errors));
  return io::read_file(output);
}

bool FakeArchive::possible() {
  return fs::exists("/usr/bin/apt-get") && fs::exists("/usr/lib/apt/apt-helper");
}

}  // namespace attend::test
