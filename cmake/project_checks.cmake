# Tests of the project itself: its scripts, its rules, its package. Included by tests/CMakeLists.txt.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# tests/scripts/NAME_test.py tests scripts/NAME.
file(GLOB script_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/scripts/*_test.py)
foreach(test IN LISTS script_tests)
  get_filename_component(name ${test} NAME_WE)
  add_test(NAME scripts.${name} COMMAND Python3::Interpreter ${test})
endforeach()

add_test(NAME project.floors COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/scripts/check_floors
  --compile-commands ${PROJECT_BINARY_DIR}/compile_commands.json)
add_test(NAME project.readme_code COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/scripts/check_readme_code)
# The sanitizers add start-up code of their own to every object, which no program without them contains.
if(NOT ATTEND_SANITIZE)
  add_test(NAME project.kernel_symbols COMMAND Python3::Interpreter
    ${PROJECT_SOURCE_DIR}/scripts/check_kernel_symbols ${PROJECT_BINARY_DIR})
endif()

# What a user's own project does after `make install`, in a folder of the build.
set(package_build ${PROJECT_BINARY_DIR}/package)
set(package_linker_flags "")
if(ATTEND_SANITIZE)
  set(package_linker_flags -fsanitize=address,undefined)
endif()
add_test(NAME package.installs
  COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${package_build}/installed)
add_test(NAME package.builds COMMAND ${CMAKE_CTEST_COMMAND}
  --build-and-test ${PROJECT_SOURCE_DIR}/tests/package ${package_build}/outside
  --build-generator ${CMAKE_GENERATOR} --build-project outside
  --build-options -DCMAKE_PREFIX_PATH=${package_build}/installed -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                  -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} "-DCMAKE_EXE_LINKER_FLAGS=${package_linker_flags}")
add_test(NAME package.runs COMMAND ${package_build}/outside/outside)
set_tests_properties(package.installs PROPERTIES FIXTURES_SETUP installed)
set_tests_properties(package.builds PROPERTIES FIXTURES_REQUIRED installed FIXTURES_SETUP outside)
set_tests_properties(package.runs PROPERTIES FIXTURES_REQUIRED outside)
