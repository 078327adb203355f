#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attend/io/input_file.h"

namespace attend::data {

/// Goes through one JSON document in a file without holding it in memory. All functions pass over white space
/// first, and throw Error, with the line and the byte, where the document is not as they expect.
class JsonScanner {
 public:
  explicit JsonScanner(const std::filesystem::path& path);

  /// The next character, which stays; 0 at the end of the file.
  char peek();

  /// Passes over `expected`.
  void take(char expected);

  /// Goes to the next member of an object or element of an array whose '{' or '[' was the last thing taken,
  /// or whose previous value was: false, with `close` taken, when there is none. `first`: none was read yet.
  bool next(char close, bool first);

  /// The name of a member, with its ':' taken.
  std::string name();

  /// The text of a value, empty if it is longer than `longest` bytes. It is JSON as far as its quotes and
  /// brackets go; whether it is wholly must be seen by parsing it.
  std::string value(std::size_t longest);

  /// "FILE, line N".
  std::string place() const;
  std::int64_t line() const { return line_; }
  /// The place in its line of the next character, from 1.
  std::int64_t byte() const { return byte_; }

 private:
  int get();
  int look();
  [[noreturn]] void fail(const std::string& expected);

  io::InputFile file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t line_ = 1, byte_ = 1;
};

}  // namespace attend::data
