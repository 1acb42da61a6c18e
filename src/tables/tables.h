#pragma once

// Tables: DynamoDB's domain as one thing to make and to own. The services use its parts.
// Everything it is given outlives it; open() before use, stop() before it dies.

#include "tables/catalogue.h"
#include "tables/expiry.h"
#include "tables/reader.h"

namespace tables {

class Tables {
 public:
  struct Settings {
    std::vector<async::Core*> cores;  // that write items; at least one, the same while it lives
    base::Milliseconds creation_delay{0};
  };

  Tables(store::Store& store, const base::Clock& clock, base::Random& random, Settings settings,
         ChangeSink* sink = nullptr)
      : lanes_(settings.cores, store, sink),
        writer_(store, lanes_, clock, sink),
        reader_(store),
        catalogue_(store, lanes_, writer_, clock, random, {settings.creation_delay, sink}),
        sweeper_(store, lanes_, writer_, catalogue_, clock) {}

  // Loads what is there; work in the background begins.
  async::Task<base::Status> open() {
    base::Status opened = co_await catalogue_.open();
    if (opened) sweeper_.start();
    co_return opened;
  }
  async::Task<void> stop() {
    co_await sweeper_.stop();
    co_await catalogue_.stop();
  }

  Catalogue& catalogue() { return catalogue_; }
  Sweeper& sweeper() { return sweeper_; }
  Writer& writer() { return writer_; }
  ItemReader& reader() { return reader_; }

 private:
  Lanes lanes_;
  Writer writer_;
  ItemReader reader_;
  Catalogue catalogue_;
  Sweeper sweeper_;
};

}  // namespace tables
