# The page of attention maps in a real browser. It fails, and does not skip, where chromium is missing.
add_executable(make_page explain/make_page.cpp)
target_link_libraries(make_page PRIVATE attend_test_support)
add_test(NAME explain.page
  COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/explain/page_test.py $<TARGET_FILE:make_page>)
set_tests_properties(explain.page PROPERTIES TIMEOUT 600)
