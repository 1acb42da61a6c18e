#include "backups/inflate.h"

#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

namespace backups {

namespace {

constexpr int kGzipWindow = 15 + 16;

}  // namespace

struct Inflater::Impl {
  explicit Impl(Compression kind) : compression(kind) {
    if (compression == Compression::kGzip) CHECK(inflateInit2(&gzip, kGzipWindow) == Z_OK);
    if (compression == Compression::kZstd) {
      zstd = ZSTD_createDStream();
      CHECK(zstd != nullptr);
    }
  }
  ~Impl() {
    if (compression == Compression::kGzip) inflateEnd(&gzip);
    if (zstd != nullptr) ZSTD_freeDStream(zstd);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string_view rest() const { return std::string_view(piece).substr(at); }
  std::optional<std::string> take_gzip(std::size_t limit);
  std::optional<std::string> take_zstd(std::size_t limit);

  const Compression compression;
  std::string piece;
  std::size_t at = 0;   // what was taken of it
  bool between = true;  // no frame is open
  bool drained = true;  // the last frame has given all that its input holds
  z_stream gzip{};
  ZSTD_DStream* zstd = nullptr;
};

std::optional<std::string> Inflater::Impl::take_gzip(std::size_t limit) {
  std::string out(limit, '\0');
  gzip.next_out = reinterpret_cast<Bytef*>(out.data());
  gzip.avail_out = static_cast<uInt>(limit);
  gzip.next_in = reinterpret_cast<Bytef*>(piece.data() + at);
  gzip.avail_in = static_cast<uInt>(piece.size() - at);
  while (gzip.avail_out > 0 && (gzip.avail_in > 0 || !drained)) {
    if (gzip.avail_in > 0) between = false;
    const int done = inflate(&gzip, Z_NO_FLUSH);
    if (done == Z_BUF_ERROR) {
      drained = true;
      break;
    }
    if (done != Z_OK && done != Z_STREAM_END) return std::nullopt;
    drained = gzip.avail_out > 0;
    if (done != Z_STREAM_END) continue;
    // gzip allows one member after the other.
    between = drained = true;
    if (inflateReset(&gzip) != Z_OK) return std::nullopt;
  }
  at = piece.size() - gzip.avail_in;
  out.resize(limit - gzip.avail_out);
  return out;
}

std::optional<std::string> Inflater::Impl::take_zstd(std::size_t limit) {
  std::string out(limit, '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer from{piece.data(), piece.size(), at};
  while (to.pos < to.size && (from.pos < from.size || !drained)) {
    const std::size_t left = ZSTD_decompressStream(zstd, &to, &from);
    if (ZSTD_isError(left) != 0) return std::nullopt;
    between = left == 0;
    drained = to.pos < to.size;
  }
  at = from.pos;
  out.resize(to.pos);
  return out;
}

Inflater::Inflater(Compression compression) : impl_(std::make_unique<Impl>(compression)) {}
Inflater::~Inflater() = default;

void Inflater::feed(std::string piece) {
  CHECK(impl_->rest().empty());
  impl_->piece = std::move(piece);
  impl_->at = 0;
}

std::optional<std::string> Inflater::take(std::size_t limit) {
  switch (impl_->compression) {
    case Compression::kGzip: return impl_->take_gzip(limit);
    case Compression::kZstd: return impl_->take_zstd(limit);
    case Compression::kNone: break;
  }
  std::string out(impl_->rest().substr(0, limit));
  impl_->at += out.size();
  return out;
}

bool Inflater::is_whole() const { return impl_->between && impl_->rest().empty(); }

}  // namespace backups
