// Patterns and the events that they are held against: "PATTERN\nDATA".
#include "patterns/pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  const auto pattern = patterns::Pattern::parse(input.substr(0, line));
  if (!pattern) return 0;
  patterns::Event event;
  event.set("partitionKey", "k");
  event.set("approximateArrivalTimestamp", 1545084650.987);
  const std::string_view body = line == std::string_view::npos ? "" : input.substr(line + 1);
  event.set_json("data", body);
  (void)pattern->asks_for("data");
  (void)pattern->compares("data");
  (void)pattern->matches(event);
  return 0;
}
