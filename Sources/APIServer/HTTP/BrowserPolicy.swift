import APIModel
import CEL
import HTTPServer
import HTTPTypes

/// What answers tell browsers: whether pages from elsewhere may read them, and that the server is to be reached by TLS alone.
public struct BrowserPolicy: Sendable {
    private let origins: [RegularExpression]
    private let transport: String

    /// - Parameters:
    ///   - origins: expressions of RE2, each of which fixes where the host in an origin begins and ends.
    ///   - directives: of `Strict-Transport-Security`.
    /// - Throws: `ConfigurationProblem`.
    public init(origins: [String] = [], directives: [String] = []) throws {
        self.origins = try origins.map(Self.expression)
        for directive in directives { try Self.check(directive) }
        transport = directives.joined(separator: "; ")
    }

    /// Tells nothing.
    public init() { (origins, transport) = ([], "") }

    private static func expression(_ text: String) throws -> RegularExpression {
        guard !text.isEmpty else { throw ConfigurationProblem("empty value in --cors-allowed-origins") }
        let prefix = "--cors-allowed-origins has an invalid regular expression: "
        let expression: RegularExpression
        do { expression = try RegularExpression(text) } catch { throw ConfigurationProblem("\(prefix)\(error)") }
        // Otherwise example.com would let in example.com.somewhere.else.
        guard text.contains("^") || text.contains("//"), text.contains("$") || text.contains(":") else {
            throw ConfigurationProblem("\(prefix)regular expression does not pin to start/end of host in the origin header")
        }
        return expression
    }

    private static func check(_ directive: String) throws {
        guard !directive.allSatisfy(\.isWhitespace) else {
            throw ConfigurationProblem("empty value in strict-transport-security-directives")
        }
        if ["includeSubDomains", "preload"].contains(directive) { return }
        let parts = directive.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "max-age" else {
            throw ConfigurationProblem(
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. "
                    + "see https://tools.ietf.org/html/rfc6797#section-6.1 for more information")
        }
    }

    /// What all answers to the request have.
    private func fields(for request: Request) -> [HTTPField] {
        var fields: [HTTPField] = []
        if !transport.isEmpty { fields.append(HTTPField(name: .strictTransportSecurity, value: transport)) }
        if let origin = admitted(request) {
            fields += [
                HTTPField(name: .accessControlAllowOrigin, value: origin),
                HTTPField(name: .accessControlAllowMethods, value: "POST, GET, OPTIONS, PUT, DELETE, PATCH"),
                HTTPField(
                    name: .accessControlAllowHeaders,
                    value: "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since"
                ),
                HTTPField(name: .accessControlExposeHeaders, value: "Date"),
                HTTPField(name: .accessControlAllowCredentials, value: "true"),
            ]
        }
        return fields
    }

    /// Where the page is from that asks, if it may.
    private func admitted(_ request: Request) -> String? {
        guard !origins.isEmpty, let origin = request.headers[.origin], origins.contains(where: { $0.matches(origin) }) else { return nil }
        return origin
    }

    /// The answer to a browser that asks what a page may do before it lets the page do it, which needs no credentials. `nil` for anything else.
    func preflight(_ request: Request) -> Response? {
        request.method == .options && admitted(request) != nil ? .full(status: .noContent, headers: [:], body: []) : nil
    }

    func told(in response: Response, to request: Request) -> Response { response.adding(fields(for: request)) }
}
