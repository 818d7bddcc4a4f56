public import APIModel
import FileSystem
public import Logging
public import PKI

/// Keeps a certificate of the node young: asks for another when between seven and nine tenths of its life are over, as upstream does, and
/// keeps it in a file for the next start.
public struct NodeCertificateRotation: Sendable {
    /// The certificate and its key, in PEM.
    private let file: String
    private let request: NodeCertificateRequest
    private let now: @Sendable () -> Whole

    /// - Parameters:
    ///   - file: where the newest is kept, in a directory that is there.
    ///   - now: in seconds since 1970.
    public init(file: String, _ request: NodeCertificateRequest, now: @escaping @Sendable () -> Whole = { Timestamp.nowSeconds() }) {
        self.file = file
        self.request = request
        self.now = now
    }

    private static let keyBegins = "-----BEGIN PRIVATE KEY-----"

    /// The certificate of before, where it can still be shown. Reads a file.
    public var kept: KeyPair? {
        guard let text = Files.text(file), let key = text.firstRange(of: Self.keyBegins) else { return nil }
        let pair = KeyPair(certificatePEM: String(text[..<key.lowerBound]), privateKeyPEM: String(text[key.lowerBound...]))
        guard (try? pair.check()) != nil, let life = pair.life, life.contains(now()) else { return nil }
        return pair
    }

    /// When the next one is asked for, in seconds since 1970.
    ///
    /// - Parameter part: of the time between seven and nine tenths of its life, so that not all nodes ask at once.
    static func due(_ pair: KeyPair, part: Double) -> Whole {
        guard let life = pair.life else { return 0 }
        return life.lowerBound + Whole(Int64(Double(life.upperBound - life.lowerBound) * (0.7 + 0.2 * part)))
    }

    /// Until the task is cancelled.
    ///
    /// - Parameters:
    ///   - current: what is shown, `nil` for what nobody but this node has signed.
    ///   - use: shows another from now on.
    public func run(
        from current: KeyPair?, every interval: Duration = .seconds(30), log: Logger, _ use: @Sendable (KeyPair) async throws -> Void
    ) async {
        var due = current.map { Self.due($0, part: .random(in: 0...1)) } ?? 0
        while !Task.isCancelled {
            do {
                if now() >= due {
                    let pair = try await request.signed()
                    try await keep(pair)
                    try await use(pair)
                    due = Self.due(pair, part: .random(in: 0...1))
                    log.notice("the node has a new certificate", metadata: ["file": "\(file)"])
                }
            } catch {
                if Task.isCancelled { return }
                log.error("the node's certificate could not be renewed: \(error)")
            }
            try? await Task.sleep(for: interval)
        }
    }

    private func keep(_ pair: KeyPair) async throws {
        let (file, bytes) = (file, Array((pair.certificatePEM + pair.privateKeyPEM).utf8))
        try await BlockingWork().run { try Files.replace(file, bytes, mode: 0o600) }
    }
}
