# make install: the library, its public headers and the program, with a package for find_package(Attend).
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Attend)

install(TARGETS attend EXPORT AttendTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/attend DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT AttendTargets NAMESPACE Attend:: DESTINATION ${package_dir})
if(TARGET attend_program)
  install(TARGETS attend_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/AttendConfig.cmake.in
  ${PROJECT_BINARY_DIR}/AttendConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AttendConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AttendConfig.cmake ${PROJECT_BINARY_DIR}/AttendConfigVersion.cmake
  DESTINATION ${package_dir})
