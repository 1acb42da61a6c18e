#pragma once

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Brings up the loopback, binds the plan's sockets and hands them to the server.
void open_listeners(const Plan& plan);

}  // namespace sandbox::init
