#pragma once

// JavaClasses: our Java bootstrap (bootstraps.h), compiled by the host's own JDK. Compiling takes
// seconds, starting what is compiled takes tenths: so it is done once in a server's life, when the
// first Java function starts. One per server, thread-safe; its work runs on the pool. Nothing of it
// counts after a restart: the folder is made anew.

#include <string>

#include "async/blocking.h"
#include "async/mutex.h"
#include "base/result.h"

namespace functions {

inline constexpr const char* kJavaMainClass = "MillraceBootstrap";

class JavaClasses {
 public:
  // The folder above `folder` exists by the first find().
  JavaClasses(std::string folder, async::BlockingPool& pool);

  // The folder of the classes, readable by everybody. Waits for the compiler if need be.
  // kUnavailable, kTimeout: `javac` does not do it, what it said is in the message; the next call
  // tries again.
  async::Task<base::Result<std::string>> find(std::string javac);

 private:
  base::Status compile(const std::string& javac) const;

  const std::string folder_;
  async::BlockingPool& pool_;
  async::Mutex mutex_;  // held while compiling
  bool compiled_ = false;
};

}  // namespace functions
