#include "sandbox/init/plan.h"

#include <concepts>
#include <cstring>

namespace sandbox::init {
namespace {

class Writer {
 public:
  template <std::integral T>
  void operator()(const T& number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint64_t>(text.size()));
    out_ += text;
  }
  template <class T>
  void operator()(const std::vector<T>& items) {
    (*this)(static_cast<std::uint64_t>(items.size()));
    for (const T& item : items) each(*this, item);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <std::integral T>
  void operator()(T& number) {
    if (rest_.size() < sizeof number) return fail();
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
  }
  void operator()(std::string& text) {
    std::uint64_t size = 0;
    (*this)(size);
    if (size > rest_.size()) return fail();
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <class T>
  void operator()(std::vector<T>& items) {
    std::uint64_t size = 0;
    (*this)(size);
    for (std::uint64_t i = 0; i < size && ok_; ++i) each(*this, items.emplace_back());
  }
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

// One list of members for both directions, so that they cannot differ.
template <class Archive, class T>
  requires std::integral<std::remove_const_t<T>> ||
           std::same_as<std::remove_const_t<T>, std::string>
void each(Archive& archive, T& value) {
  archive(value);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, PlanBind>
void each(Archive& archive, T& bind) {
  archive(bind.source);
  archive(bind.target);
  archive(bind.flags);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, PlanPair>
void each(Archive& archive, T& pair) {
  archive(pair.path);
  archive(pair.value);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, PlanListener>
void each(Archive& archive, T& listener) {
  archive(listener.kind);
  archive(listener.address);
  archive(listener.port);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, PlanCommand>
void each(Archive& archive, T& command) {
  archive(command.argv);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, Plan>
void each(Archive& archive, T& plan) {
  archive(plan.user_namespace);
  archive(plan.map_self);
  archive(plan.host_uid);
  archive(plan.host_gid);
  archive(plan.uid);
  archive(plan.gid);
  archive(plan.argv);
  archive(plan.companions);
  archive(plan.merge_output);
  archive(plan.environment);
  archive(plan.cwd);
  archive(plan.hostname);
  archive(plan.binds);
  archive(plan.links);
  archive(plan.files);
  archive(plan.listeners);
  archive(plan.private_proc);
  archive(plan.root_bytes);
  archive(plan.tmp_bytes);
  archive(plan.shm_bytes);
  archive(plan.processes);
  archive(plan.open_files);
  archive(plan.polled_memory_bytes);
  archive(plan.cgroup_files);
  archive(plan.seccomp);
}

}  // namespace

std::string encode(const Plan& plan) {
  Writer writer;
  each(writer, plan);
  return writer.take();
}

std::optional<Plan> decode(std::string_view bytes) {
  Reader reader(bytes);
  Plan plan;
  each(reader, plan);
  if (!reader.complete()) return std::nullopt;
  return plan;
}

}  // namespace sandbox::init
