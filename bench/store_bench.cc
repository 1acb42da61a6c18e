// Measures the three engines of store_engines.h: store_bench FOLDER [rounds [seconds]]. FOLDER must
// not exist; it is made, filled with a few GiB and removed. Cold reads need root (drop_caches);
// without it they are as warm as the others.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "async/asio_core.h"
#include "async/gate.h"
#include "store_engines.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using Open = std::unique_ptr<Engine> (*)(World&, const std::string&);
using Figures = std::map<std::string, std::vector<double>>;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double written_bytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  double value = 0;
  while (io >> name >> value)
    if (name == "write_bytes:") return value;
  return 0;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Load {
  std::size_t submitters;
  std::size_t records;  // in a batch
  double seconds;
};

// Incompressible records, made before the clock starts.
std::vector<std::string> make_records(World& world, std::size_t count) {
  std::vector<std::string> records(count, std::string(1024, '\0'));
  for (std::string& record : records) world.random.fill(std::as_writable_bytes(std::span(record)));
  return records;
}

async::Task<void> submit_until(Engine& engine, std::vector<std::string> records,
                               Clock::time_point end, std::atomic<std::uint64_t>& done) {
  while (Clock::now() < end) {
    const bool committed = co_await engine.commit(records);
    CHECK(committed);
    done += records.size();
  }
}

// Answers the acknowledged records.
std::uint64_t run_load(World& world, Engine& engine, const Load& load) {
  std::atomic<std::uint64_t> done = 0;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(load.seconds));
  std::vector<std::unique_ptr<async::AsioCore>> cores;
  std::vector<std::jthread> threads;
  async::AsioCore core;
  core.start();
  for (std::size_t i = 0; i < load.submitters; ++i) {
    auto records = make_records(world, load.records);
    threads.emplace_back([&, records = std::move(records)]() mutable {
      if (!engine.blocking())
        return async::wait_for(core, submit_until(engine, std::move(records), end, done));
      async::AsioCore own;
      own.start();
      async::wait_for(own, submit_until(engine, std::move(records), end, done));
    });
  }
  threads.clear();
  return done;
}

void drop_caches() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << "3";
}

// Microseconds for a page of 500 records, the median of 60.
double read_us(Engine& engine, std::uint64_t begin, std::uint64_t step, bool cold) {
  async::AsioCore core;
  core.start();
  std::vector<double> each;
  for (std::uint64_t i = 0; i < 60; ++i) {
    if (cold && i % 6 == 0) drop_caches();
    const auto start = Clock::now();
    CHECK(async::wait_for(core, engine.read(begin + i * step)) > 0);
    each.push_back(seconds_since(start) * 1e6);
  }
  return median(each);
}

void measure(Open open, const std::string& folder, double seconds, Figures& figures) {
  World world;
  const auto note = [&](const std::string& name, double value) { figures[name].push_back(value); };
  auto engine = open(world, folder);
  const auto write = [&](const std::string& name, const Load& load) {
    const double before = written_bytes();
    const auto begin = Clock::now();
    const std::uint64_t records = run_load(world, *engine, load);
    note(name + ": records/s", static_cast<double>(records) / seconds_since(begin));
    engine->settle();
    note(name + ": bytes written per byte",
         (written_bytes() - before) / (static_cast<double>(records) * 1024));
    return records;
  };
  std::uint64_t total =
      write("1 KiB singly, 32 submitters", {.submitters = 32, .records = 1, .seconds = seconds});
  total +=
      write("500 x 1 KiB, 4 submitters", {.submitters = 4, .records = 500, .seconds = seconds});
  note("read 500 fresh, us", read_us(*engine, total - 1000, 1, false));
  note("read 500 old, cold, us", read_us(*engine, total / 100, total / 100, true));
  // 16 MiB behind the last checkpoint or flush at most.
  run_load(world, *engine, {.submitters = 32, .records = 1, .seconds = 0.3});
  engine.reset();
  const auto begin = Clock::now();
  engine = open(world, folder);
  note("open after an unclean end, ms", seconds_since(begin) * 1e3);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc < 2 || std::filesystem::exists(argv[1])) {
    fmt::print(stderr, "usage: store_bench NEW-FOLDER [rounds [seconds]]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 3;
  const std::map<std::string, bench::Open> engines = {{"a index", bench::open_index},
                                                      {"b rocksdb", bench::open_rocksdb},
                                                      {"c copy", bench::open_copy}};
  std::map<std::string, bench::Figures> figures;
  for (int round = 0; round < rounds; ++round) {
    for (const auto& [name, open] : engines) {
      std::filesystem::create_directory(argv[1]);
      bench::measure(open, std::string(argv[1]) + "/data", seconds, figures[name]);
      std::filesystem::remove_all(argv[1]);
    }
  }
  for (const auto& [name, rows] : figures)
    for (const auto& [row, values] : rows)
      fmt::print("{:10} {:48} {:12.2f}  (of {:.2f})\n", name, row, bench::median(values),
                 fmt::join(values, ", "));
  return 0;
}
