public import APIModel
internal import FileSystem
import FoundationEssentials
import SwiftASN1
import X509

extension Layout {
    /// When each certificate of the cluster ends, in seconds since 1970, by its file, soonest first; `nil` for one that cannot be read. Those
    /// of clients are in their kubeconfigs.
    public var certificateEnds: [(file: String, end: Whole?)] {
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: pki)) ?? []).filter { $0.hasSuffix(".crt") }.map { "pki/\($0)" }
        let certificates = files.map { file in (file, Files.text("\(directory)/\(file)")) }
        let clients = Role.allCases.compactMap { role -> (String, String?)? in
            let file = kubeconfigPath(role)
            guard let kubeconfig = try? Kubeconfig.load(file) else { return nil }
            return (String(file.dropFirst(directory.count + 1)), kubeconfig.client.certificatePEM)
        }
        return (certificates + clients).map { file, pem in
            let certificate = pem.flatMap { try? Certificate(pemEncoded: $0) }
            return (file, certificate.map { Whole($0.notValidAfter.timeIntervalSince1970) })
        }.sorted { ($0.end ?? 0, $0.file) < ($1.end ?? 0, $1.file) }
    }
}
