#pragma once

namespace attend::cli {

/// Exit codes of the program.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;        ///< a fault of the program, not of its user
inline constexpr int kUserError = 2;      ///< one line on stderr says what to change
inline constexpr int kInterrupted = 130;  ///< Ctrl-C: what was learnt so far is saved

/// The whole program: reads the options, does what the verb says, and turns every error into one line on
/// stderr.
int run_program(int argc, char** argv);

}  // namespace attend::cli
