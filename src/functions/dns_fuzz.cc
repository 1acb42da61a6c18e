// Any datagram gets at most one answer, never longer than what it asked and one address.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "functions/dns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const std::string answer = functions::answer_dns(query);
  CHECK(answer.empty() || answer.size() >= 12);
  CHECK(answer.size() <= size + 16);
  return 0;
}
