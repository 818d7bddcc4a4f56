#include "json_tape.h"

#include <new>
#include <simdjson.h>

namespace {

// A parser keeps about fourteen bytes for each byte of the largest text it has seen, so only one for texts of usual size stays with the thread.
constexpr uint64_t usual_size = 32 * 1024;

static_assert(simdjson::NUMBER_ERROR == APUS_JSON_NUMBER_ERROR);

apus_json parse(simdjson::dom::parser &parser, const uint8_t *bytes, uint64_t count, uint32_t depth) {
    if (parser.capacity() < count || parser.max_depth() != depth) {
        simdjson::error_code error = parser.allocate(count < usual_size ? usual_size : count, depth);
        if (error) return {nullptr, nullptr, error, nullptr};
    }
    simdjson::error_code error = parser.parse(bytes, count, true).error();
    if (error) return {nullptr, nullptr, error, nullptr};
    return {parser.doc.tape.get(), parser.doc.string_buf.get(), 0, nullptr};
}

} // namespace

extern "C" apus_json apus_json_parse(const uint8_t *bytes, uint64_t count, uint32_t depth) {
    if (count <= usual_size) {
        thread_local simdjson::dom::parser parser;
        return parse(parser, bytes, count, depth);
    }
    auto *parser = new (std::nothrow) simdjson::dom::parser;
    if (parser == nullptr) return {nullptr, nullptr, simdjson::MEMALLOC, nullptr};
    apus_json json = parse(*parser, bytes, count, depth);
    json.owned = parser;
    return json;
}

extern "C" void apus_json_release(apus_json json) { delete static_cast<simdjson::dom::parser *>(json.owned); }
