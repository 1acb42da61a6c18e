#pragma once

// What CloudWatch shows of functions, by AWS's names: of each function, of each qualifier that it
// was invoked by, and of the region as a whole; and of event source mappings that ask for it.
// Thread-safe; owned by the server.

#include "base/clock.h"
#include "functions/ports.h"
#include "mapping/ports.h"
#include "metrics/recorder.h"

namespace server {

class LambdaFigures final : public functions::Observer {
 public:
  LambdaFigures(metrics::Recorder& recorder, const base::Clock& clock)
      : recorder_(recorder), clock_(clock) {}

  void started(const functions::InvocationReport& what, std::size_t concurrent) override;
  void ended(const functions::InvocationReport& what, std::chrono::nanoseconds duration,
             bool failed) override;
  void throttled(const functions::InvocationReport& what) override;
  void provisioned(const functions::InvocationReport& what, bool found_one, std::size_t in_use,
                   std::size_t wanted) override;
  void extensions_ended(const functions::InvocationReport& what,
                        std::chrono::nanoseconds duration) override;
  // A batch of records is sent whose last one is that old.
  void iterator_age(const functions::InvocationReport& what, base::Milliseconds age);
  void events(const mapping::MappingName& mapping, const mapping::EventCounts& events);

 private:
  void record(const functions::InvocationReport& what, std::span<const metrics::Sample> samples);

  metrics::Recorder& recorder_;
  const base::Clock& clock_;
};

}  // namespace server
