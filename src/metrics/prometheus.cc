#include "metrics/prometheus.h"

#include <fmt/format.h>

#include <set>

namespace metrics {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// "AWS/Kinesis" is "aws_kinesis", "PutRecord.Latency" is "put_record_latency".
std::string snake(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool starts_word = is_upper(c) && i > 0 && !is_upper(text[i - 1]);
    if (starts_word && !out.ends_with('_')) out += '_';
    out += is_word(c) ? (is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c) : '_';
  }
  return out;
}

std::string name_of(const MetricKey& metric) {
  std::string name = snake(metric.space) + "_" + snake(metric.name);
  if (name[0] >= '0' && name[0] <= '9') name.insert(0, 1, '_');
  return name;
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? "" : ",";
  out += name;
  out += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string labels_of(const SeriesKey& series) {
  std::string labels;
  append_label(labels, "account_id", series.metric.account_id);
  append_label(labels, "region", series.metric.region);
  append_label(labels, "unit", series.unit);
  std::set<std::string> names;
  for (const Dimension& dimension : series.metric.dimensions) {
    std::string name = "dimension_";
    for (const char c : dimension.name) name += is_word(c) ? c : '_';
    while (!names.insert(name).second) name += '_';
    append_label(labels, name, dimension.value);
  }
  return labels;
}

}  // namespace

void PrometheusPage::add(const Total& total) {
  Sum& sum = summaries_[name_of(total.series.metric)][labels_of(total.series)];
  sum.sum += total.sum;
  sum.count += total.count;
}

void PrometheusPage::add_counter(std::string name, double value) {
  plain_.emplace(std::move(name), Plain{"counter", value});
}

void PrometheusPage::add_gauge(std::string name, double value) {
  plain_.emplace(std::move(name), Plain{"gauge", value});
}

std::string PrometheusPage::text() const {
  std::string out;
  for (const auto& [name, plain] : plain_)
    out += fmt::format("# TYPE {0} {1}\n{0} {2}\n", name, plain.type, plain.value);
  for (const auto& [name, sums] : summaries_) {
    out += fmt::format("# TYPE {} summary\n", name);
    for (const auto& [labels, sum] : sums) {
      out += fmt::format("{}_sum{{{}}} {}\n", name, labels, sum.sum);
      out += fmt::format("{}_count{{{}}} {}\n", name, labels, sum.count);
    }
  }
  return out;
}

}  // namespace metrics
