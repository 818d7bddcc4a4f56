internal import APIModel
internal import PluginKit
internal import SwiftASN1
internal import X509

/// What a CertificateSigningRequest asks for: its PKCS#10 request, read.
struct RequestedCertificate {
    static let resource = GroupVersionResource(group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests")

    let request: CertificateSigningRequest
    let commonName: String
    let organizations: [String]
    let alternatives: [GeneralName]
    /// As the object lists them.
    let usages: Set<String>

    /// - Throws: `ComponentError` in upstream's words for what is no request, or not signed with its own key.
    init(_ object: Value) throws {
        let text = Base64.decode(object["spec"]["request"].string ?? "").map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let document = try? PEMDocument.parseMultiple(pemString: text).first, document.discriminator == "CERTIFICATE REQUEST" else {
            throw ComponentError.invalid("PEM block type must be CERTIFICATE REQUEST")
        }
        do {
            request = try CertificateSigningRequest(pemDocument: document)
            alternatives = try request.attributes.extensionRequest?.extensions.subjectAlternativeNames.map(Array.init) ?? []
        } catch {
            throw ComponentError.invalid("malformed certificate request: \(error)")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw ComponentError.invalid("unable to verify certificate request signature")
        }
        let attributes = request.subject.flatMap(Array.init)
        commonName = attributes.last { $0.type == .RDNAttributeType.commonName }.flatMap { String($0.value) } ?? ""
        organizations = attributes.filter { $0.type == .RDNAttributeType.organizationName }.compactMap { String($0.value) }
        usages = Set(object["spec"]["usages"].elements.compactMap(\.string))
    }

    /// What is between the request and a certificate for a kubelet that is a client of the API.
    var kubeletClientProblem: String? {
        if let problem = notOfNodes { return problem }
        let kinds = alternatives.compactMap(\.kind)
        for kind in ["DNS", "Email", "IP", "URI"] where kinds.contains(kind) { return "\(kind) subjectAltNames are not allowed" }
        return notANodesName ?? mismatch(needed: ["client auth", "digital signature"])
    }

    /// The same for one that serves.
    var kubeletServingProblem: String? {
        if let problem = notOfNodes { return problem }
        let kinds = alternatives.compactMap(\.kind)
        if !kinds.contains("DNS") && !kinds.contains("IP") { return "DNS or IP subjectAltName is required" }
        for kind in ["Email", "URI"] where kinds.contains(kind) { return "\(kind) subjectAltNames are not allowed" }
        return mismatch(needed: ["digital signature", "server auth"]) ?? notANodesName
    }

    private var notOfNodes: String? { organizations == ["system:nodes"] ? nil : "subject organization is not system:nodes" }
    private var notANodesName: String? {
        commonName.hasPrefix("system:node:") ? nil : "subject common name does not begin with system:node:"
    }

    /// Keys of RSA encipher others, too; other keys cannot.
    private func mismatch(needed: Set<String>) -> String? {
        let all = needed.union(["key encipherment"])
        return usages == needed || usages == all ? nil : "usages did not match [\(all.sorted().joined(separator: " "))]"
    }
}

extension GeneralName {
    /// In upstream's words; `nil` for kinds that it does not look at.
    fileprivate var kind: String? {
        switch self {
        case .dnsName: "DNS"
        case .ipAddress: "IP"
        case .rfc822Name: "Email"
        case .uniformResourceIdentifier: "URI"
        default: nil
        }
    }
}
