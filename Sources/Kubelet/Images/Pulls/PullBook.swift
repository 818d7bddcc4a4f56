import APIModel
import FileSystem
import PKI

/// Which images the kubelet pulled and is pulling, on disk and in memory: each a file of upstream's, named after the digest of what it is
/// about. What is written is in the file before anybody acts on it. Everything that changes it blocks.
struct PullBook: Sendable {
    private let directory: String
    private var records: [String: PullRecord] = [:]
    /// Files of records that say nothing that can be read.
    private var unreadable: Set<String> = []
    /// How many pulls of an image are under way; 0 for those that another kubelet began, or that nobody saw end.
    private var intents: [String: Int] = [:]

    private static func file(_ name: String) -> String { "sha256-" + Digest.hexadecimal(name) }
    private func pulled(_ reference: String) -> String { "\(directory)/pulled/\(Self.file(reference))" }
    private func pulling(_ image: String) -> String { "\(directory)/pulling/\(Self.file(image))" }

    /// What an earlier kubelet left there.
    init(_ directory: String) {
        self.directory = directory
        func names(_ part: String) -> [String] {
            Files.names(in: "\(directory)/\(part)").filter { $0.hasPrefix("sha256-") && !$0.contains(".") }
        }
        for name in names("pulled") {
            guard let record = Files.read("\(directory)/pulled/\(name)").flatMap(PullRecord.init) else {
                unreadable.insert(name)
                continue
            }
            if Self.file(record.reference) == name { records[record.reference] = record }
        }
        for name in names("pulling") {
            guard let image = Files.read("\(directory)/pulling/\(name)").flatMap(PullIntent.decode) else { continue }
            if Self.file(image) == name { intents[image] = 0 }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(Files.Failure) {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        try Files.replace(path, bytes, mode: 0o600, durable: false)
    }

    // MARK: Pulls under way

    var intended: Set<String> { Set(intents.keys) }

    mutating func begin(_ image: String) throws(Files.Failure) {
        if intents[image] == nil { try write(PullIntent.encode(image), to: pulling(image)) }
        intents[image, default: 0] += 1
    }

    /// One pull of the image is over.
    mutating func end(_ image: String) {
        let left = (intents[image] ?? 0) - 1
        if left > 0 {
            intents[image] = left
        } else if Files.removeTree(pulling(image)) {
            intents[image] = nil
        }
    }

    // MARK: Pulled images

    /// Notes that the image is there because the kubelet pulled it.
    /// - Parameter credentials: `nil` when nobody knows what with.
    mutating func note(_ image: String, reference: String, _ credentials: PullCredentials?, at now: Whole) throws(Files.Failure) {
        let isKnown = records[reference] != nil
        var record = records[reference] ?? PullRecord(reference: reference, changedAt: now)
        guard record.add(credentials, for: ImageReference.name(of: image) ?? image, at: now) || !isKnown else { return }
        try write(record.bytes, to: pulled(reference))
        records[reference] = record
        unreadable.remove(Self.file(reference))
    }

    /// Forgets images that are gone, unless something of them was noted since.
    mutating func keep(_ references: Set<String>, asOf time: Whole) {
        for (reference, record) in records where !references.contains(reference) && record.changedAt < time {
            if Files.removeTree(pulled(reference)) { records[reference] = nil }
        }
    }

    /// Whether a pod may have an image that is on the node.
    enum Verdict: Equatable, Sendable {
        case yes
        case no
        /// With one of these.
        case with(PullCredentials)
    }

    func verdict(_ image: String, reference: String, _ verification: PullVerification) -> Verdict {
        if unreadable.contains(Self.file(reference)) { return .no }
        let record = records[reference]
        guard verification.isNeeded(for: image, wasPulled: record != nil || intents[image] != nil) else { return .yes }
        guard let name = ImageReference.name(of: image), let known = record?.credentials[name] else { return .no }
        if known.isForAll { return .yes }
        return known.secrets.isEmpty ? .no : .with(known)
    }
}
