internal import APIModel
internal import Kubelet

/// The file that a flag names for the kubelet: a `KubeletConfiguration` of `kubelet.config.k8s.io/v1beta1`.
enum KubeletConfigurationFile {
    /// Changes `configuration` as the file says; without a file nothing.
    /// - Throws: `StartupFailure` that names flag, file and reason.
    static func read(_ path: String?, of flag: String, into configuration: inout KubeletConfiguration) throws {
        guard let path else { return }
        let documents = try TextFile.documents(path, of: flag)
        guard documents.count == 1 else { throw StartupFailure("\(flag): \(path): it holds \(documents.count) objects") }
        do { try ConfigurationFile.apply(documents[0], to: &configuration) } catch { throw StartupFailure("\(flag): \(path): \(error)") }
    }
}
