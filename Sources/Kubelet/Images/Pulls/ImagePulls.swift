import APIModel
import FileSystem
import Logging
import Synchronization

/// Keeps images that took credentials from pods that do not bring them: what a pod could not pull it does not get because another did.
/// Upstream: `images/pullmanager`, feature `KubeletEnsureSecretPulledImages`.
final class ImagePulls: Sendable {
    private let directory: String
    private let verification: PullVerification
    private let disk: BlockingWork
    private let log: Logger
    /// Read when it is first asked for. Held while files are written, by threads of `disk` alone.
    private let book = Mutex<PullBook?>(nil)

    init(_ configuration: KubeletConfiguration, disk: BlockingWork, log: Logger) {
        directory = configuration.rootDirectory + "/image_manager"
        (verification, self.disk, self.log) = (configuration.pullVerification, disk, log)
    }

    private func withBook<R: Sendable>(_ body: @escaping @Sendable (inout PullBook) throws -> R) async throws -> R {
        try await disk.run { [self] in
            try book.withLock { book in
                var current = book ?? PullBook(directory)
                defer { book = current }
                return try body(&current)
            }
        }
    }

    /// Images that an earlier kubelet had begun to pull and that are there now were pulled, nobody knows what with.
    func takeOver(_ cri: CRI) async throws {
        let intended = try await withBook { $0.intended }
        if intended.isEmpty { return }
        for image in try await cri.images() {
            let names = (image["repo_tags"].elements + image["repo_digests"].elements).compactMap(\.string).filter(intended.contains)
            guard let reference = image["id"].string else { continue }
            try await withBook { book in
                for name in names {
                    try book.note(name, reference: reference, nil, at: Clock.seconds())
                    book.end(name)
                }
            }
        }
    }

    /// To be called before a pull; with `succeeded` or `failed` after it. A pull that nobody saw end leaves the image one that was pulled.
    func begin(_ image: String) async throws { try await withBook { try $0.begin(image) } }

    /// What cannot be written down leaves the image one that was pulled, nobody knows what with.
    func succeeded(_ image: String, reference: String, with credentials: PullCredentials) async {
        await finish { book in
            try book.note(image, reference: reference, credentials, at: Clock.seconds())
            book.end(image)
        }
    }

    func failed(_ image: String) async { await finish { $0.end(image) } }

    private func finish(_ body: @escaping @Sendable (inout PullBook) throws -> Void) async {
        do { try await withBook(body) } catch {
            if !Task.isCancelled { log.warning("what was pulled is not written down: \(error)") }
        }
    }

    /// Whether a pod has to pull an image although it is there.
    /// - Parameter credentials: what the pod would pull it with; asked for where that counts.
    func mustPull(_ image: String, reference: String, _ credentials: () async throws -> [PullCredentials.Secret]) async throws -> Bool {
        let verification = verification
        switch try await withBook({ $0.verdict(image, reference: reference, verification) }) {
        case .yes: return false
        case .no: return true
        case .with(let known):
            guard let admission = known.admits(try await credentials()) else { return true }
            if admission.isNew {
                await finish { book in
                    try book.note(image, reference: reference, PullCredentials(secrets: [admission.secret]), at: Clock.seconds())
                }
            }
            return false
        }
    }

    /// Forgets images that are gone.
    /// - Parameter time: when it was asked which there are, in seconds since 1970.
    func keep(_ references: Set<String>, asOf time: Whole) async { await finish { $0.keep(references, asOf: time) } }
}
