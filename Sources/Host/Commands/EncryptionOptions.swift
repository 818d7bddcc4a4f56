internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Logging
internal import Store

/// How the store keeps records. Names are upstream's.
struct EncryptionOptions: ParsableArguments {
    @Option(help: "Which resources are kept encrypted, and by which keys: an EncryptionConfiguration of apiserver.config.k8s.io/v1.")
    var encryptionProviderConfig: String?

    @Flag(help: "Read --encryption-provider-config again when it changes.")
    var encryptionProviderConfigAutomaticReload = false

    func validate() throws {
        guard encryptionProviderConfig != nil || !encryptionProviderConfigAutomaticReload else {
            throw ValidationError("--encryption-provider-config-automatic-reload needs --encryption-provider-config")
        }
    }

    /// `nil` when records are kept as they are.
    func encryption() throws -> EncryptionAtRest? {
        guard let path = encryptionProviderConfig else { return nil }
        let flag = "--encryption-provider-config"
        do {
            return EncryptionAtRest(try EncryptionConfiguration(TextFile.read(path, of: flag)))
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("\(flag): \(path): \(problem)")
        }
    }

    /// How often the file is looked at.
    private static let interval = Duration.seconds(60)

    /// Follows the file until the task is cancelled, if that is wanted.
    func follow(_ encryption: EncryptionAtRest?, _ store: Store, in group: inout RoleGroup) {
        guard encryptionProviderConfigAutomaticReload, let encryption, let path = encryptionProviderConfig else { return }
        group.add("encryption") {
            await encryption.reload(path, every: Self.interval, store: store, log: Logger(label: "encryption"))
        }
    }
}
