import HTTPServer
import HTTPTypes
import NIOPosix

/// Large answers, for clients that ask for it, in gzip at its quickest: `Accept-Encoding: gzip`, and more than 128 KiB.
enum Compression {
    private static let threshold = 128 * 1024

    /// The response as the client wants it. Compresses on a thread that may take its time; what is small, streamed, or has an encoding
    /// already stays as it is.
    static func applied(to response: Response, for request: Request) async -> Response {
        guard case .full(let status, var headers, let pieces) = response, pieces.reduce(0, { $0 + $1.count }) > threshold,
            isWanted(request), headers[.contentEncoding] == nil,
            let body = try? await NIOThreadPool.singleton.runIfActive({ gzip(pieces) })
        else { return response }
        headers[.contentEncoding] = "gzip"
        headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        return .full(status: status, headers: headers, body: body)
    }

    private static func isWanted(_ request: Request) -> Bool {
        guard let wanted = request.header(.acceptEncoding), request.method != .head else { return false }
        return wanted.split(separator: ",").contains { $0.trimmingPrefix(" ").prefix { $0 != " " } == "gzip" }
    }

    private static func gzip(_ pieces: [[UInt8]]) -> [[UInt8]] {
        let gzip = GzipWriter()
        for piece in pieces { gzip.write(piece) }
        return gzip.finished()
    }
}
