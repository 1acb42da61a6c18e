#include <cstddef>
#include <cstdint>

#include "config_helper/request.h"
#include "config_helper/response.h"
#include "sdk/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sdk::parse_url(bytes);
  const auto envelope = config_helper::parse_envelope(bytes);
  if (!envelope) return 0;
  sdk::parse_url(envelope->response_url);
  const auto setting = config_helper::parse_setting(bytes, envelope->type);
  config_helper::response_json(*envelope,
                               {setting.has_value(), setting ? "" : setting.error().message, "id"});
  return 0;
}
