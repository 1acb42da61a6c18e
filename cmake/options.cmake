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
