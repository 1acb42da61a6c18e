#pragma once

// Runtimes: which program serves a runtime's name, and what of the host it needs to see. Made once
// at start, thread-safe; nothing changes but that our Java classes get compiled when first needed.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/blocking.h"
#include "async/task.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace functions {

class JavaClasses;

enum class RuntimeFamily { kProvided, kNode, kPython, kJava, kOther };
RuntimeFamily family_of(std::string_view runtime);

struct RuntimeSettings {
  // Modules for functions: node/node_modules (aws-sdk), python (boto3). May be absent.
  std::string runtimes_dir;
  // Programs; empty: looked for in the host's usual places.
  std::string node;
  std::string python;
  std::string java;
  // Where the classes of our Java bootstrap are put, and who compiles them. Without: no Java.
  std::string java_classes_dir;
  async::BlockingPool* pool = nullptr;
};

// What a function needs that was asked for.
struct Wanted {
  std::string runtime;
  std::string code_folder;
  std::string layers_folder;   // what stands at /opt inside; empty: nothing does
  std::int32_t memory_mb = 0;  // all that its processes may take
};

// How to start one.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::vector<sandbox::Bind> binds;
  std::vector<sandbox::File> files;
};

class Runtimes {
 public:
  explicit Runtimes(RuntimeSettings settings);
  ~Runtimes();

  // kNotFound: the interpreter is not installed; the message says what to install.
  // kInvalidArgument: no runtime that runs here. Others: the Java compiler fails.
  async::Task<base::Result<Launch>> launch(Wanted wanted) const;

 private:
  static base::Result<Launch> provided(const Wanted& wanted);
  base::Result<Launch> node(std::string_view runtime) const;
  base::Result<Launch> python(std::string_view runtime) const;
  async::Task<base::Result<Launch>> java(std::int32_t memory_mb) const;

  RuntimeSettings settings_;
  std::unique_ptr<JavaClasses> java_classes_;
};

}  // namespace functions
