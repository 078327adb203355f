#pragma once

#include <string_view>

namespace attend::cli {

/// Writes to standard output, at once. Throws Error when it cannot be written (disk full).
void print(std::string_view text);

/// Writes one line to standard error: control characters of `message` become spaces, so that it stays one.
void print_error(std::string_view message);

/// Writes one line to standard error that is no error, in the same form.
void print_note(std::string_view message);

bool stdout_is_terminal();
bool stderr_is_terminal();

/// Columns of the terminal behind a file descriptor; 80 when it is none.
int terminal_columns(int descriptor);

}  // namespace attend::cli
