// DNS answers, the hosts file and resolv.conf.
#include <cstddef>
#include <cstdint>

#include "sdk/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sdk::find_in_hosts(bytes, "localhost");
  sdk::name_servers(bytes);
  const auto query = sdk::dns_query(0x4142, "a.b", sdk::RecordType::kA);
  // With a valid head in front, so that the records are reached; and as it is.
  std::string answer = *query;
  answer[2] = static_cast<char>(0x81);
  answer[7] = 5;
  answer.append(bytes);
  sdk::dns_answer(*query, answer, sdk::RecordType::kA);
  sdk::dns_answer(*query, answer, sdk::RecordType::kAaaa);
  sdk::dns_answer(*query, bytes, sdk::RecordType::kA);
  return 0;
}
