#include "cli/program.h"

int main(int argc, char** argv) {
  return attend::cli::run_program(argc, argv);
}
