internal import Client
internal import Glibc
internal import Logging
internal import PKI

/// A process that plays one role against the API: what all of them start, wait and stop by.
struct RoleProcess {
    /// As upstream calls the program: `kube-scheduler`.
    let name: String
    let log: Logger

    init(_ name: String, _ options: LogOptions) {
        LogOutput.install(verbosity: options.verbosity)
        self.name = name
        log = Logger(label: name)
    }

    /// Runs what `begin` adds to the group until the process is asked to stop (then returns) or something fails (then throws
    /// `StartupFailure`). The steps of `end` are taken in either case, one after the other, once no task of the group runs any more; none,
    /// and no task, is waited for for ever.
    /// - Parameter stoppingFile: where it stands meanwhile what is waited for.
    func run(
        stoppingFile: String? = nil, _ begin: (inout RoleGroup) async throws -> Void, end: [Shutdown.Step]
    ) async throws {
        let (stop, request) = AsyncStream.makeStream(of: Void.self)
        // Owned by the process: it waits for a signal, which a role that fails by itself never gets.
        Task {
            await Signals.stopRequested()
            request.finish()
        }
        let parts = Parts()
        let shutdown = Shutdown(parts, steps: end, file: stoppingFile, log: log)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in stop {}
                    throw CancellationError()
                }
                var roles = RoleGroup(group, parts)
                do {
                    try await begin(&roles)
                    log.notice("\(name) has started", metadata: ["version": "\(Version.kubernetes)"])
                    while try await group.next() != nil {}
                } catch {
                    if !(error is CancellationError) { log.error("\(error)") }
                    shutdown.begin(exitCode: error is CancellationError ? 0 : 1)
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                    await shutdown.finish()
                    throw error
                }
            }
        } catch is CancellationError {
            log.notice("stopped")
        } catch let failure as StartupFailure {
            throw failure
        } catch {
            throw StartupFailure("\(name): \(error)")
        }
    }

    /// The API as the kubeconfig says. Does not connect yet; `shutDown` is the caller's.
    /// - Parameter certificate: what to show in the place of what the file names.
    func client(kubeconfig path: String, certificate: KeyPair? = nil) throws -> HTTPSClient {
        let configuration = try KubeconfigOptions.load(path).showing(certificate)
        do {
            return try HTTPSClient(configuration: configuration, userAgent: "\(name)/\(Version.kubernetes)")
        } catch {
            throw StartupFailure("--kubeconfig: \(path): \(error)")
        }
    }

    /// Tells the candidates of a leader election apart, as upstream does.
    var identity: String { "\(NodeAddress.hostname())_\(getpid())_\(UInt64.random(in: .min ... .max))" }

    func elector(_ client: any Client) -> LeaderElector {
        LeaderElector(client: client, namespace: "kube-system", name: name, identity: identity, log: log)
    }
}

extension ClientConfiguration {
    /// The same with another certificate; `nil` changes nothing.
    func showing(_ certificate: KeyPair?) -> ClientConfiguration {
        guard let certificate else { return self }
        var configuration = self
        configuration.clientCertificate = Array(certificate.certificatePEM.utf8)
        configuration.clientKey = Array(certificate.privateKeyPEM.utf8)
        configuration.credential = .none
        return configuration
    }
}
