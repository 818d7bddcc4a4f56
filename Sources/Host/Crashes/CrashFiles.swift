internal import APIModel
internal import Client
internal import FileSystem
internal import Glibc
internal import PKI

/// What is kept of crashes in the data directory, across starts.
///
/// ```
/// in-hand           what this process has in hand (`InHand`)
/// crashes.json      the last crashes, the newest last
/// quarantine.json   the keys that were in hand, and which are put aside
/// release-*.json    what somebody wants to be given another try
/// ```
struct CrashFiles: Sendable {
    let directory: String

    init(_ directory: DataDirectory) { self.directory = directory.crashDirectory }

    var inHand: String { "\(directory)/in-hand" }
    private var crashesFile: String { "\(directory)/crashes.json" }
    private var suspectsFile: String { "\(directory)/quarantine.json" }

    func make() throws {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw StartupFailure("\(directory) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    /// How many crashes are kept.
    static let kept = 50

    /// What is there; files that cannot be read are as if there were none.
    var crashes: [Crash] { documents(crashesFile).compactMap(Crash.init) }
    var suspects: Suspects { Suspects(documents(suspectsFile).compactMap(Suspects.Suspect.init)) }

    func write(_ crashes: [Crash]) throws { try write(.array(crashes.suffix(Self.kept).map(\.value)), to: crashesFile) }
    func write(_ suspects: Suspects) throws { try write(.array(suspects.all.map(\.value)), to: suspectsFile) }

    // MARK: Requests

    /// Asks the host, which runs or is started later, to release these keys.
    /// - Returns: a file that is there until the host has done it.
    func request(release keys: [InHand.Key]) throws -> String {
        let file = "\(directory)/release-\(getpid()).json"
        try write(.array(keys.map(\.value)), to: file)
        return file
    }

    /// The requests that are there, each with its file, which is removed when it is done.
    var requests: [(file: String, keys: [InHand.Key])] {
        requestFiles.map { file in (file, documents(file).compactMap(InHand.Key.init)) }
    }

    private var requestFiles: [String] {
        Files.names(in: directory).filter { $0.hasPrefix("release-") && $0.hasSuffix(".json") }.map { "\(directory)/\($0)" }
    }

    private func documents(_ path: String) -> [Value] {
        guard let bytes = Files.read(path), let value = try? JSON.decode(bytes) else { return [] }
        return value.elements
    }

    private func write(_ value: Value, to path: String) throws {
        try Files.replace(path, JSON.encodePretty(value) + [10], mode: 0o600)
    }
}
