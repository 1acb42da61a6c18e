#pragma once

// Telemetry: the Telemetry API (2022-07-01) and the older Logs API (2020-08-15) of one instance:
// who has subscribed to what, and the events on their way to them. Each subscriber has a queue of
// its own, which is sent as a JSON array once it is old or large enough; what does not fit is
// dropped and counted. Delivery is at least once.
//
// Owned by its Instance, on its core. Nothing survives a crash.

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/gate.h"
#include "async/signal.h"
#include "base/clock.h"
#include "wire/http_types.h"

namespace functions {

inline constexpr std::string_view kTelemetryApiPath = "/2022-07-01/telemetry";
inline constexpr std::string_view kLogsApiPath = "/2020-08-15/logs";

// Besides the buffering that a subscriber asks for.
inline constexpr std::size_t kTelemetryQueueBytesMax = 4U << 20U;
inline constexpr std::size_t kTelemetryBacklogMax = 1000;  // events before the first subscription

class Telemetry {
 public:
  // Posts `body` to a port inside through the socket of that number; true: it was taken.
  using Post = std::function<async::Task<bool>(std::size_t socket, std::uint16_t port,
                                               std::string target, std::string body)>;
  Telemetry(async::Core& core, const base::Clock& clock, std::size_t sockets, Post post);
  ~Telemetry();

  static bool takes(const wire::HttpRequest& request);
  // A subscription of the extension `name`; the last one of a name counts.
  wire::HttpResponse subscribe(const std::string& name, const wire::HttpRequest& request);
  // The instance has started: no more subscriptions.
  void close_subscriptions();

  // `record` is JSON. "platform.start" and so on; some events are known to one API only.
  void platform(std::string_view type, std::string record);
  // A line of the runtime ("function") or of an extension ("extension").
  void line(std::string_view type, std::string_view text);
  bool wanted() const { return open_ || !subscribers_.empty(); }

  // While its processes stand still nothing is sent.
  void pause(bool standing_still);
  // The end is near: what is there goes out at once.
  void hurry();
  // Awaited after the connections have ended; before it dies.
  async::Task<void> close();

 private:
  struct Event {
    std::string type;
    std::string json;
  };
  struct Subscriber;
  using SubscriberPtr = std::shared_ptr<Subscriber>;

  void add(Event event);
  void give(Subscriber& subscriber, const Event& event);
  bool due(const Subscriber& subscriber) const;
  async::Task<void> serve(SubscriberPtr subscriber);
  async::Task<bool> send(SubscriberPtr subscriber);

  async::Core& core_;
  const base::Clock& clock_;
  const std::size_t sockets_;
  const Post post_;
  std::vector<SubscriberPtr> subscribers_;
  std::deque<Event> backlog_;  // while open
  bool open_ = true;
  bool paused_ = false;
  bool hurried_ = false;
  bool closing_ = false;
  async::Signal changed_;
  async::Gate gate_;
};

}  // namespace functions
