# millrace_module(<folder> DEPS <folders...> LIBS <external libraries...>)
#
# One folder is one library. Its include root shows that folder and nothing else, so including a
# module that was not declared in DEPS does not compile, and a cycle does not configure.
#   *_test.cc  -> one test program per module     *_fuzz.cc -> one libFuzzer program per file
# HEAVY names headers of ours that nearly every file of the folder includes and that take long to
# parse; with the standard library's they are precompiled where that pays (MILLRACE_PCH).
function(millrace_module folder)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS;GENERATED;HEAVY" ${ARGN})
  string(REPLACE "/" "_" target ${folder})
  set(here ${CMAKE_SOURCE_DIR}/src/${folder})

  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${here}/*.cc)
  list(FILTER all EXCLUDE REGEX "/main/main\\.cc$")
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  set(root ${CMAKE_BINARY_DIR}/include/${target})
  get_filename_component(parent ${root}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${here} ${root}/${folder} SYMBOLIC)

  if(sources OR ARG_GENERATED)
    add_library(${target} STATIC ${sources} ${ARG_GENERATED})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${root})
  millrace_precompile(${target} "${sources}" ${ARG_HEAVY})
  target_link_libraries(${target} ${scope} millrace_options ${ARG_LIBS})
  foreach(dep ${ARG_DEPS})
    string(REPLACE "/" "_" dep_target ${dep})
    if(NOT TARGET ${dep_target})
      message(FATAL_ERROR "${folder} needs ${dep}, which is not below it (see src/CMakeLists.txt)")
    endif()
    target_link_libraries(${target} ${scope} ${dep_target})
  endforeach()

  if(tests AND MILLRACE_TESTS)
    add_executable(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE ${target} GTest::gmock GTest::gtest_main)
    millrace_precompile(${target}_test "${tests}" <gmock/gmock.h> <gtest/gtest.h> ${ARG_HEAVY})
    foreach(dep ${ARG_TEST_DEPS})
      string(REPLACE "/" "_" dep_target ${dep})
      target_link_libraries(${target}_test PRIVATE ${dep_target})
    endforeach()
    add_test(NAME ${target} COMMAND ${target}_test --gtest_brief=1)
    set_tests_properties(${target} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
  if(MILLRACE_FUZZERS)
    foreach(fuzzer ${fuzzers})
      get_filename_component(name ${fuzzer} NAME_WE)
      add_executable(${name} ${fuzzer})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${name} PRIVATE ${target})
      set_property(GLOBAL APPEND PROPERTY MILLRACE_FUZZER_NAMES ${name})
    endforeach()
  endif()
endfunction()

# Parses the standard headers once for a target of at least three files. The timestamp is left out
# of the result so that the compiler cache can serve it.
function(millrace_precompile target files)
  list(LENGTH files count)
  if(NOT MILLRACE_PCH OR count LESS 3)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <charconv> <chrono> <expected> <functional> <map> <memory> <optional> <set>
    <span> <string> <string_view> <vector> <fmt/format.h> ${ARGN})
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endfunction()
