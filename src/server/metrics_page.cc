#include "server/metrics_page.h"

#include "metrics/prometheus.h"

namespace server {
namespace {

using metrics::PrometheusPage;

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_http(PrometheusPage& page, const wire::HttpFigures& http) {
  page.add_gauge("millrace_http_connections_open", number(http.connections_open));
  page.add_counter("millrace_http_connections_total", number(http.connections_total));
  page.add_counter("millrace_http_connections_refused_total", number(http.connections_refused));
  page.add_counter("millrace_http_requests_total", number(http.requests_total));
  page.add_counter("millrace_http_requests_refused_total", number(http.requests_refused));
  page.add_counter("millrace_http_answers_refused_total", number(http.answers_refused));
  page.add_gauge("millrace_http_body_bytes", number(http.body_bytes_held));
  page.add_gauge("millrace_http_answer_bytes", number(http.answer_bytes_held));
}

void add_store(PrometheusPage& page, const store::EmbeddedMetrics& store) {
  const wal::JournalMetrics& journal = store.journal;
  page.add_counter("millrace_journal_records_total", number(journal.records));
  page.add_counter("millrace_journal_written_bytes_total", number(journal.bytes));
  page.add_counter("millrace_journal_groups_total", number(journal.groups));
  page.add_counter("millrace_journal_syncs_total", number(journal.syncs));
  page.add_counter("millrace_journal_sync_seconds_total", number(journal.sync_us_sum) / 1e6);
  page.add_gauge("millrace_journal_sync_seconds_max", number(journal.sync_us_max) / 1e6);
  page.add_gauge("millrace_journal_queue_bytes", number(journal.queue_bytes));
  page.add_gauge("millrace_journal_segments", number(journal.segments));
  page.add_counter("millrace_store_batches_total", number(store.batches));
  page.add_counter("millrace_store_checkpoints_total", number(store.checkpoints));
  page.add_counter("millrace_store_reads_inline_total", number(store.reads_inline));
  page.add_counter("millrace_store_reads_pooled_total", number(store.reads_pooled));
  page.add_gauge("millrace_store_recovery_seconds", number(store.recovery_ms) / 1e3);
}

wire::HttpResponse not_there(int status, std::string text) {
  wire::HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", "text/plain"});
  response.body = std::move(text);
  return response;
}

}  // namespace

async::Task<wire::HttpResponse> MetricsPage::answer(wire::HttpRequest request) {
  if (request.path != "/metrics") co_return not_there(404, "The page is /metrics.\n");
  if (request.method != "GET") co_return not_there(405, "The page can only be had.\n");
  const ProcessFigures process = process_();
  PrometheusPage page;
  page.add_gauge("process_start_time_seconds",
                 static_cast<double>(base::to_epoch_ms(process.started)) / 1000);
  page.add_gauge("millrace_function_instances", number(process.function_instances));
  page.add_counter("millrace_metrics_dropped_total", number(recorder_.dropped()));
  add_http(page, process.http);
  add_store(page, process.store);
  const auto totals = co_await metrics_.totals();
  for (const metrics::Total& total : totals) page.add(total);
  wire::HttpResponse response;
  response.headers.push_back({"Content-Type", std::string(metrics::kPrometheusType)});
  response.body = page.text();
  co_return response;
}

}  // namespace server
