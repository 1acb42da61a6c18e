#pragma once

// The sandbox's file system: a tmpfs with what the plan names, and nothing else of the host.

#include <vector>

#include "sandbox/init/plan.h"

namespace sandbox::init {

// The host folders and files of the plan, picked up read-only but not yet attached anywhere.
// Taken before the user changes.
class Sources {
 public:
  explicit Sources(const Plan& plan);

  struct Item {
    int mount_fd;  // -1: optional and missing
    bool folder;
  };
  const std::vector<Item>& items() const { return items_; }  // as Plan::binds

 private:
  std::vector<Item> items_;
};

// Builds the root in this mount namespace, makes it the only one, and seals it.
void build_root(const Plan& plan, Sources sources);

}  // namespace sandbox::init
