internal import APIModel
internal import Logging
internal import NIOPosix
internal import PKI

/// Renews certificates of our own while the process runs, long before they end.
struct CertificateRotation<Made: Sendable>: Sendable {
    private static var period: Duration { .seconds(3600) }

    /// Renews what is due; `nil` when that is nothing. Both run on a thread that may block.
    let renew: @Sendable (_ now: Whole) throws -> Made?
    let use: @Sendable (Made) throws -> Void
    var now: @Sendable () -> Whole = { Timestamp.nowSeconds() }

    /// Looks every `interval` until the task is cancelled. What was made and could not be used is used the next time.
    func run(every interval: Duration = period) async {
        let log = Logger(label: "certificates")
        var waiting: Made?
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            do {
                let time = now()
                let renew = renew
                if let made = try await NIOThreadPool.singleton.runIfActive({ try renew(time) }) { waiting = made }
                guard let made = waiting else { continue }
                let use = use
                try await NIOThreadPool.singleton.runIfActive { try use(made) }
                waiting = nil
                log.notice("certificates were renewed")
            } catch {
                if Task.isCancelled { return }
                log.error("certificates could not be renewed: \(error)")
            }
        }
    }
}

extension CertificateRotation where Made == Layout.Credentials {
    /// Those of the cluster.
    init(_ layout: Layout, _ cluster: Layout.Cluster, use: @escaping @Sendable (Layout.Credentials) throws -> Void) {
        self.init(
            renew: { now in
                let made = try layout.prepare(cluster, now: now)
                return made.changed ? made : nil
            }, use: use)
    }
}
