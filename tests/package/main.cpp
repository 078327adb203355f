#include <attend/base/error.h>
#include <attend/base/parallel.h>
#include <attend/base/random.h>

#include <iostream>

// Calls that reach into the static library and the libraries behind it, and an exception that crosses from
// it.
int main() {
  attend::Generator generator(1);
  const double drawn = generator.uniform();
  try {
    attend::set_threads(0);
  } catch (const attend::Error& error) {
    std::cout << drawn << '\n' << error.what() << '\n';
    return drawn >= 0 && drawn < 1 ? 0 : 1;
  }
  return 1;
}
