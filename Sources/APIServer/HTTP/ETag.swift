import Crypto
import HTTPServer
import HTTPTypes

/// A short name for content: the same bytes always have the same.
enum ContentHash {
    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(decoding: SHA512.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Documents that clients keep: told by their hash when nothing has changed.
enum ETag {
    static func answer(_ bytes: [UInt8], hash: String, type: String, ifNoneMatch: String?, isImmutable: Bool = false) -> Response {
        var headers = HTTPFields()
        headers[.eTag] = "\"\(hash)\""
        headers[.vary] = "Accept"
        if isImmutable {
            headers[.cacheControl] = "public, immutable"
        } else {
            headers[.cacheControl] = "no-cache, private"
        }
        if ifNoneMatch?.contains(hash) ?? false { return .full(status: .notModified, headers: headers, body: []) }
        headers[.contentType] = type
        return .full(status: .ok, headers: headers, body: [bytes])
    }
}
