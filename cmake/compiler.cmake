# Warnings as errors and sanitizers, for every target of this project and for no target that links to it.
add_library(attend_compiler_options INTERFACE)
target_compile_options(attend_compiler_options INTERFACE -Wall -Wextra -Werror)
if(ATTEND_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_compile_options(attend_compiler_options INTERFACE ${sanitizers})
  # Instrumented code makes GCC 12 take what std::optional and <regex> hold for uninitialised.
  target_compile_options(attend_compiler_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(attend_compiler_options INTERFACE ${sanitizers})
endif()
if(ATTEND_FUZZ)
  target_compile_options(attend_compiler_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                                           -fno-sanitize-recover=undefined)
  target_link_options(attend_compiler_options INTERFACE -fsanitize=address,undefined)
endif()

# For code that calls the library and has no speed of its own: the tasks and the command line take half of the time to
# compile, the tests a quarter. Such code holds no raw memory: of what UndefinedBehaviorSanitizer adds at every access
# through a pointer, AddressSanitizer sees what matters there, and a third of the time to compile goes into it.
add_library(attend_quick_to_compile INTERFACE)
add_library(attend_quickest_to_compile INTERFACE)
target_compile_options(attend_quickest_to_compile INTERFACE -O0)
if(ATTEND_SANITIZE)
  target_compile_options(attend_quick_to_compile INTERFACE -O0 -fno-sanitize=null,alignment,object-size,vptr)
  target_compile_options(attend_quickest_to_compile INTERFACE -fno-sanitize=null,alignment,object-size,vptr)
else()
  target_compile_options(attend_quick_to_compile INTERFACE -O1)
endif()

# For the floors above operations: sanitizers ask whether they are right, and what their loops save at -O1 (data's, most
# of it) is less than compiling them at -O1 takes.
add_library(attend_quick_to_sanitize INTERFACE)
if(ATTEND_SANITIZE)
  target_compile_options(attend_quick_to_sanitize INTERFACE -O0)
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
