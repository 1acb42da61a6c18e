# Flags that every target of ours shares.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
add_library(millrace_options INTERFACE)
target_compile_options(millrace_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wunused -Wcast-align -Wthread-safety -Werror
  -Wno-missing-designated-field-initializers  # a struct's defaults are its own business
  -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_definitions(millrace_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)

if(MILLRACE_SANITIZE)
  target_compile_options(millrace_options INTERFACE
    -fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all -g1)
  target_link_options(millrace_options INTERFACE -fsanitize=${MILLRACE_SANITIZE})
  target_compile_definitions(millrace_options INTERFACE MILLRACE_SANITIZED=1)
endif()
if(MILLRACE_FUZZERS)
  target_compile_options(millrace_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The way of a record: what a trained build optimises by what it saw of its own work. Everything else is
# compiled as in Release. See docs/decisions/0010-trained-build.md.
set(MILLRACE_PROFILE "" CACHE STRING "'' | generate | the file of a profile to optimise by")
set(millrace_trained base async api auth wire io wal store tables changes streamlog mapping journal functions metrics
  services/kinesis services/dynamodb services/lambda)
set(millrace_profile_options "")
if(MILLRACE_PROFILE STREQUAL "generate")
  set(millrace_profile_options -fprofile-generate)
elseif(MILLRACE_PROFILE)
  # A function that was never called, or has changed since, is no fault.
  set(millrace_profile_options -fprofile-use=${MILLRACE_PROFILE} -Wno-profile-instr-unprofiled
    -Wno-profile-instr-out-of-date -Wno-backend-plugin)
endif()

add_link_options(-fuse-ld=lld-19)
# What nobody uses goes, and functions of which the same code came out stand there once: pages of the
# program are most of an idle server's memory.
add_link_options($<$<CONFIG:Release>:-Wl,--gc-sections,--icf=safe>)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
if(MILLRACE_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
