#pragma once

// The figures of the server for Prometheus: GET /metrics on a listener of its own, which exists
// only where the settings name one, because nobody signs there. All metrics are on the page, those
// that were put as well as those that Millrace measures. Thread-safe; owned by the server.

#include <functional>

#include "metrics/metrics.h"
#include "store/embedded_store.h"
#include "wire/http_server.h"

namespace server {

struct ProcessFigures {
  wire::HttpFigures http;
  store::EmbeddedMetrics store;
  std::size_t function_instances = 0;
  base::Timestamp started;
};

class MetricsPage {
 public:
  MetricsPage(metrics::Metrics& metrics, const metrics::Recorder& recorder,
              std::function<ProcessFigures()> process)
      : metrics_(metrics), recorder_(recorder), process_(std::move(process)) {}

  async::Task<wire::HttpResponse> answer(wire::HttpRequest request);

 private:
  metrics::Metrics& metrics_;
  const metrics::Recorder& recorder_;
  std::function<ProcessFigures()> process_;
};

}  // namespace server
