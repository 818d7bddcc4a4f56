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

    /// `nil` when records are kept as they are. Asks the plugins that keep keys for them.
    func encryption() async throws -> EncryptionAtRest? {
        guard let path = encryptionProviderConfig else { return nil }
        let flag = "--encryption-provider-config"
        do {
            let encryption = EncryptionAtRest(
                try EncryptionConfiguration(TextFile.read(path, of: flag)), isReloaded: encryptionProviderConfigAutomaticReload)
            // What is sealed by a plugin that does not answer cannot be read; the rest can.
            for problem in await encryption.prepare() { Logger(label: "encryption").error("\(problem)") }
            return encryption
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("\(flag): \(path): \(problem)")
        }
    }

    /// Keeps keys up to date until the task is cancelled, and follows the file, if that is wanted.
    func follow(_ encryption: EncryptionAtRest?, _ store: Store, in group: inout RoleGroup) {
        guard let encryption else { return }
        let path = encryptionProviderConfigAutomaticReload ? encryptionProviderConfig : nil
        group.add("encryption") { await encryption.follow(path, store: store, log: Logger(label: "encryption")) }
    }
}
