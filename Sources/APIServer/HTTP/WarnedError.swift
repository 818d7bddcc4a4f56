import APIModel

/// An error of a request whose client is warned besides.
struct WarnedError: Error {
    var error: APIError
    var warnings: [String]
}
