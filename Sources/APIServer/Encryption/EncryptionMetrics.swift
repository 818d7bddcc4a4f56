import APIModel
import Exposition
import FoundationEssentials
import GRPC
import Store

/// What becomes of records on their way to the store and back, and what the plugins that keep keys are asked, under upstream's names.
///
/// One for the process: keys come and go with the configuration.
struct EncryptionMetrics: MetricsSource {
    static let shared = EncryptionMetrics()

    /// Which way a record goes.
    enum Way: String {
        case toStorage = "to_storage"
        case fromStorage = "from_storage"
    }

    private static let keys = ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"]

    private let operations = Counters(
        "apiserver_storage_transformation_operations_total", "Records that were sealed or opened.",
        labels: ["resource", "transformation_type", "transformer_prefix", "status"])
    private let durations = Durations(
        "apiserver_storage_transformation_duration_seconds", "How long that took.", labels: ["transformation_type", "transformer_prefix"],
        bounds: (0..<25).map { 5e-6 * Double(1 << $0) })
    private let calls = Durations(
        "apiserver_envelope_encryption_kms_operations_latency_seconds", "How long plugins took to answer.",
        labels: ["provider_name", "method_name", "grpc_status_code"], bounds: (0..<20).map { 1e-4 * Double(1 << $0) })
    private let keyUses = Counters(
        "apiserver_envelope_encryption_key_id_hash_total", "How often a plugin's key was behind a record.", labels: keys)
    private let lastUses = Gauges(
        "apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds", "When that was last, in seconds since 1970.", labels: keys)
    private let lastStatus = Gauges(
        "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds",
        "When a plugin last said that it has a key, in seconds since 1970.", labels: Array(keys.dropFirst()))
    private let invalidKeys = Counters(
        "apiserver_envelope_encryption_invalid_key_id_from_status_total", "Keys that plugins may not name.",
        labels: ["provider_name", "error"])
    private let seeds = Gauges(
        "apiserver_envelope_encryption_dek_source_cache_size", "Seeds that are remembered.", labels: ["provider_name"])
    let reloads = ReloadMetrics("encryption")

    /// This server has no name of its own among others.
    private static let server = ""

    /// Has a record sealed or opened.
    func measure(_ way: Way, _ key: RecordKey, _ provider: EncryptionProvider, _ body: () throws -> [UInt8]) rethrows -> [UInt8] {
        let begin = ContinuousClock.now
        let (resource, prefix) = (Self.resource(key.collection), String(decoding: provider.prefix, as: UTF8.self))
        do {
            let bytes = try body()
            operations.add(resource, way.rawValue, prefix, "OK")
            durations.add(way.rawValue, prefix, duration: ContinuousClock.now - begin)
            return bytes
        } catch {
            operations.add(resource, way.rawValue, prefix, Self.code(error))
            throw error
        }
    }

    /// Has a plugin asked.
    func asked(_ provider: String, _ method: String, since begin: ContinuousClock.Instant, _ problem: (any Error)?) {
        calls.add(provider, method, problem.map(Self.code) ?? "OK", duration: ContinuousClock.now - begin)
    }

    func used(_ keyID: String, of provider: String, _ way: Way) {
        let hash = HashLabel.of(keyID)
        keyUses.add(way.rawValue, provider, hash, Self.server)
        lastUses.set(way.rawValue, provider, hash, Self.server, to: Clock.seconds.int64)
    }

    func named(_ keyID: String, by provider: String) { lastStatus.set(provider, HashLabel.of(keyID), Self.server, to: Clock.seconds.int64) }
    func namedWrongly(by provider: String, _ problem: String) { invalidKeys.add(provider, problem) }
    func remembers(_ count: Int, of provider: String) { seeds.set(provider, to: Int64(count)) }

    private static func resource(_ collection: String) -> String {
        let parts = collection.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return collection }
        return parts[0].isEmpty ? String(parts[1]) : "\(parts[1]).\(parts[0])"
    }

    private static func code(_ error: any Error) -> String { (error as? GRPCFailure).map(\.code) ?? "unknown-non-grpc" }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [
            operations, durations, calls, keyUses, lastUses, lastStatus, invalidKeys, seeds, reloads,
        ]
        for family in families { family.write(to: &text) }
    }
}
