#include "feed/resume.h"

#include <boost/json.hpp>

namespace feed {
namespace {

namespace json = boost::json;
using base::ErrorCode;

constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kFileBytesMax = 1 << 20;

}  // namespace

std::string encode_position(const Position& position) {
  return json::serialize(json::object{{"version", kVersion},
                                      {"source", position.source},
                                      {"stream", position.stream},
                                      {"position", position.at}}) +
         "\n";
}

base::Result<Position> decode_position(std::string_view text) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(text), failed);
  const json::object* const object = failed ? nullptr : parsed.if_object();
  if (object == nullptr) return base::error(ErrorCode::kCorruption, "it is not JSON");
  const json::value* const version = object->if_contains("version");
  if (version == nullptr || *version != kVersion)
    return base::error(ErrorCode::kCorruption, "it is of a version that this feed does not know");
  Position position;
  for (auto& [name, into] : {std::pair<const char*, std::string*>{"source", &position.source},
                             {"stream", &position.stream},
                             {"position", &position.at}}) {
    const json::value* const found = object->if_contains(name);
    if (found == nullptr || !found->is_string())
      return base::error(ErrorCode::kCorruption, std::string("it has no \"") + name + "\"");
    *into = found->get_string();
  }
  return position;
}

ResumeFile::ResumeFile(io::Files& files, std::string path)
    : files_(files), path_(std::move(path)) {}

base::Result<std::optional<std::string>> ResumeFile::load(const std::string& source,
                                                          const std::string& stream) {
  const auto text = io::read_file(files_, path_, kFileBytesMax);
  if (!text && text.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  auto position = decode_position(*text);
  if (!position)
    return base::error(ErrorCode::kCorruption, "the resume file " + path_ + ": " +
                                                   position.error().message +
                                                   "; remove it to begin at the beginning");
  if (position->source != source || position->stream != stream)
    return base::error(ErrorCode::kConflict, "the resume file " + path_ + " belongs to " +
                                                 position->source + " into the stream " +
                                                 position->stream + ", not to " + source +
                                                 " into " + stream + "; name another file");
  return std::move(position->at);
}

base::Status ResumeFile::save(const Position& position) {
  const std::size_t slash = path_.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash);
  if (folder.empty()) folder = "/";
  const std::string name = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  return io::write_file_atomically(files_, folder, name, encode_position(position));
}

}  // namespace feed
