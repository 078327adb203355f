# attend_group_sources(TARGET): sources of one floor that get along (scripts/source_groups.py) become one translation
# unit, ATTEND_UNITY of them at most. The headers that they share, and what those instantiate, are then compiled once.
set(ATTEND_UNITY 0 CACHE STRING "Sources compiled at once: a whole build is faster, one after a change slower (0: each alone)")
if(ATTEND_UNITY GREATER 1)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()

function(attend_group_sources target)
  if(NOT ATTEND_UNITY GREATER 1)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^/.*\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "^${PROJECT_BINARY_DIR}/")
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/source_groups.py --size ${ATTEND_UNITY} ${sources}
    OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "|" lines "${lines}")
  string(REPLACE "\n" ";" lines "${lines}")
  foreach(line IN LISTS lines)
    string(REPLACE "|" ";" members "${line}")
    list(GET members 0 first)
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${first})
    string(MAKE_C_IDENTIFIER ${name} name)
    set_source_files_properties(${members} PROPERTIES UNITY_GROUP ${name})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A new name in a source may part it from its group.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
endfunction()
