#pragma once

// Runtimes: which program serves a runtime's name, and what of the host it needs to see. Made once
// at start, immutable, thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace functions {

enum class RuntimeFamily { kProvided, kNode, kPython, kOther };
RuntimeFamily family_of(std::string_view runtime);

struct RuntimeSettings {
  // Modules for functions: node/node_modules (aws-sdk), python (boto3). May be absent.
  std::string runtimes_dir;
  // Programs; empty: looked for in the host's usual places.
  std::string node;
  std::string python;
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

  // kNotFound: the interpreter is not installed; the message says what to install.
  // kInvalidArgument: no runtime that runs here.
  // `layers_folder` is what stands at /opt inside; empty: nothing does.
  base::Result<Launch> launch(std::string_view runtime, std::string_view code_folder,
                              std::string_view layers_folder) const;

 private:
  base::Result<Launch> node(std::string_view runtime) const;
  base::Result<Launch> python(std::string_view runtime) const;

  RuntimeSettings settings_;
};

}  // namespace functions
