#pragma once

// How the payloads of an event stream are written: as the protocol of the request was.

#include <cstdint>

namespace wire {

enum class EventFormat : std::uint8_t { kJson, kCbor, kRpcV2Cbor };

}  // namespace wire
