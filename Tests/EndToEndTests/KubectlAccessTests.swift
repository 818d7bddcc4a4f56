import Foundation
import TestSupport
import Testing

/// Who may do what, as kubectl asks and tells it of a real cluster.
@Suite(.serialized)
struct KubectlAccessTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static let manifest = """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: robot}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader}
        rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: reader}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        subjects: [{kind: ServiceAccount, name: robot, namespace: default}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: reader}
        spec:
          serviceAccountName: robot
          containers: [{name: reader, image: "apus.local/hello:1"}]
        """

    /// What kubectl says to whoever has the token and nothing else.
    private func ask(_ cluster: Cluster, _ token: String, _ resource: String) throws -> String {
        try cluster.kubectl(
            "--kubeconfig=/dev/null", "--server=https://127.0.0.1:\(cluster.port)", "--insecure-skip-tls-verify", "--token=\(token)", "get",
            resource, "-n", "default")
    }

    private func isLetIn(_ cluster: Cluster, _ token: String) throws {
        #expect(try ask(cluster, token, "configmaps").contains("kube-root-ca.crt"))
        let refused = #expect(throws: Cluster.Failure.self) { try ask(cluster, token, "secrets") }
        let words = "User \"system:serviceaccount:default:robot\" cannot list resource \"secrets\""
        #expect(refused?.description.contains(words) == true, "\(refused?.description ?? "")")
    }

    @Test func kubectlAsksWhoMayWhat() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        try cluster.kubectl("apply", "-f", "-", input: Self.manifest)

        let me = try cluster.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}")
        #expect(me.contains("system:masters"))
        let robot = "--as=system:serviceaccount:default:robot"
        let rights = try cluster.kubectl("auth", "can-i", "--list", robot)
        #expect(rights.split(separator: "\n").contains { $0.hasPrefix("configmaps ") && $0.contains("[get list]") }, "\(rights)")
        #expect(try cluster.kubectl("auth", "can-i", "list", "configmaps", robot).hasPrefix("yes"))
        #expect(throws: Cluster.Failure.self) { try cluster.kubectl("auth", "can-i", "list", "secrets", robot) }
        #expect(throws: Cluster.Failure.self) { try cluster.kubectl("get", "nodes", robot) }

        // A token that was asked for, and the one that the pod has.
        let token = try cluster.kubectl("create", "token", "robot", "--duration=10m")
        try isLetIn(cluster, token.trimmingCharacters(in: .whitespacesAndNewlines))
        try cluster.kubectl("wait", "--for=condition=Ready", "pod/reader", "--timeout=60s")
        let mounted = try cluster.kubectl("exec", "reader", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
        try isLetIn(cluster, mounted)
        // It is bound to the pod.
        try cluster.kubectl("delete", "pod", "reader", "--grace-period=0", "--force")
        try eventually {
            guard (try? ask(cluster, mounted, "configmaps")) == nil else { throw Cluster.Failure(description: "the token is still good") }
        }

        // A certificate, from the request for it.
        let request = try cluster.run(
            "sh", "-c",
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /O=devs/CN=jane 2>/dev/null | base64 -w0"
        )
        let object = """
            apiVersion: certificates.k8s.io/v1
            kind: CertificateSigningRequest
            metadata: {name: jane}
            spec: {request: \(request.trimmingCharacters(in: .whitespacesAndNewlines)), signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}
            """
        try cluster.kubectl("apply", "-f", "-", input: object)
        #expect(try cluster.kubectl("get", "csr", "jane").contains("Pending"))
        #expect(try cluster.kubectl("certificate", "approve", "jane").contains("approved"))
        try eventually {
            let row = try cluster.kubectl("get", "csr", "jane", "--no-headers")
            guard row.contains("Approved,Issued") else { throw Cluster.Failure(description: row) }
        }
    }
}
