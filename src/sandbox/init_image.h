#pragma once

// The init program, carried inside this one.

#include <string_view>

#include "base/result.h"
#include "sandbox/fd.h"

namespace sandbox {

// A sealed memory file that holds the program, ready to be executed any number of times: what runs
// in the sandbox can neither see nor change the server's own executable.
base::Result<Fd> make_init_image();

// `fd` under a number above all that the init finds its descriptors at: moving one there never hits
// another.
base::Result<Fd> lifted(Fd fd);

// A sealed memory file that holds `bytes`, lifted.
base::Result<Fd> make_memory_file(const char* name, std::string_view bytes, bool executable);

}  // namespace sandbox
