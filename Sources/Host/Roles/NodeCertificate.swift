internal import APIModel
internal import FoundationEssentials
internal import Glibc
internal import PKI

/// The serving certificate of a kubelet that was given none.
///
/// It is new at every start, and while the process runs when two thirds of its life are over; its authority stays, in `pki/kubelet-ca.crt`, for the API server to believe with
/// `--kubelet-certificate-authority`.
enum NodeCertificate {
    static func prepare(
        _ directory: DataDirectory, nodeName: String, addresses: [String], now: Whole = Timestamp.nowSeconds()
    ) throws -> KeyPair {
        let pki = "\(directory.path)/pki"
        let (certificateFile, keyFile) = ("\(pki)/kubelet-ca.crt", "\(pki)/kubelet-ca.key")
        let authority: CertificateAuthority
        do {
            if access(keyFile, F_OK) == 0 {
                let pair = KeyPair(
                    certificatePEM: try TextFile.read(certificateFile, of: "--root-dir"),
                    privateKeyPEM: try TextFile.read(keyFile, of: "--root-dir"))
                authority = try CertificateAuthority(pair)
            } else {
                authority = try CertificateAuthority.create(commonName: "\(nodeName)-ca")
                try FileManager.default.createDirectory(
                    atPath: pki, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
                try write(authority.certificatePEM, to: certificateFile, mode: 0o644)
                try write(authority.pair.privateKeyPEM, to: keyFile, mode: 0o600)  // last: with it the pair is there
            }
        } catch let error as PKIError {
            throw StartupFailure("\(certificateFile) and \(keyFile) cannot be used: \(error). Remove them to begin anew.")
        }
        let leaf = try authority.issueServer(
            commonName: "system:node:\(nodeName)", names: [nodeName, "localhost"], addresses: addresses, groups: ["system:nodes"],
            now: now)
        return KeyPair(certificatePEM: leaf.certificatePEM + authority.certificatePEM, privateKeyPEM: leaf.privateKeyPEM)
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
