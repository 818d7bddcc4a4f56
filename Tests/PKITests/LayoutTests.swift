import APIModel
import PKI
import Testing

@Suite struct LayoutTests {
    private let cluster = Layout.Cluster(server: "https://127.0.0.1:6443", nodeName: "node-1", nodeAddresses: ["192.0.2.7", "2001:db8::7"])

    @Test func opensslAcceptsEveryCertificate() async throws {
        try await withDirectory { directory in
            _ = try Layout(directory: directory).prepare(cluster)
            let pki = "\(directory)/pki"
            #expect(
                try shell(
                    "openssl verify -CAfile \(pki)/ca.crt -purpose sslserver -verify_ip 10.96.0.1 -verify_hostname kubernetes.default.svc \(pki)/apiserver.crt"
                ).hasSuffix(
                    ": OK\n"))
            #expect(try shell("openssl verify -CAfile \(pki)/ca.crt -verify_ip 2001:db8::7 \(pki)/apiserver.crt").hasSuffix(": OK\n"))
            #expect(
                try shell("openssl verify -x509_strict -CAfile \(pki)/ca.crt -purpose sslserver -verify_hostname node-1 \(pki)/kubelet.crt")
                    .hasSuffix(": OK\n"))
            #expect(
                try shell("openssl verify -x509_strict -CAfile \(pki)/ca.crt -purpose sslclient \(pki)/apiserver-kubelet-client.crt")
                    .hasSuffix(": OK\n"))
            #expect(
                try shell("openssl verify -CAfile \(pki)/front-proxy-ca.crt -purpose sslclient \(pki)/front-proxy-client.crt").hasSuffix(
                    ": OK\n"))
            #expect(try shell("openssl verify -CAfile \(pki)/front-proxy-ca.crt \(pki)/apiserver.crt").contains("error"))
            #expect(
                try shell("openssl x509 -in \(pki)/apiserver-kubelet-client.crt -noout -subject")
                    == "subject=CN = kube-apiserver-kubelet-client\n")
            #expect(try shell("openssl x509 -in \(pki)/apiserver.crt -noout -checkend $((364*86400))").contains("will not expire"))
            #expect(try shell("openssl x509 -in \(pki)/apiserver.crt -noout -checkend $((366*86400))").contains("will expire"))
            #expect(try shell("stat -c %a \(pki)/*.key \(directory)/*.kubeconfig | sort -u") == "600\n")
            #expect(try shell("openssl ec -in \(pki)/sa.key -pubout 2>/dev/null | diff - \(pki)/sa.pub") == "")
        }
    }

    @Test func leavesWhatIsGoodAlone() async throws {
        try await withDirectory { directory in
            let first = try Layout(directory: directory).prepare(cluster)
            #expect(first.changed)
            let before = try shell("cat \(directory)/pki/* \(directory)/*.kubeconfig | sha256sum")
            #expect(try !Layout(directory: directory).prepare(cluster).changed)
            #expect(try shell("cat \(directory)/pki/* \(directory)/*.kubeconfig | sha256sum") == before)
        }
    }

    @Test func renewsWhatNoLongerCoversTheCluster() async throws {
        try await withDirectory { directory in
            let old = try Layout(directory: directory).prepare(cluster)
            var moved = cluster
            moved.addresses = ["198.51.100.1"]
            let new = try Layout(directory: directory).prepare(moved)
            #expect(new.changed && new.apiServer != old.apiServer)
            #expect(new.ca.pair == old.ca.pair && new.kubelet == old.kubelet && new.kubeconfigs == old.kubeconfigs)
            moved.server = "https://198.51.100.1:6443"
            #expect(try Layout(directory: directory).prepare(moved).kubeconfigs[.admin]?.server == "https://198.51.100.1:6443")
        }
    }

    @Test func namesTheFileItCannotUse() async throws {
        try await withDirectory { directory in
            _ = try Layout(directory: directory).prepare(cluster)
            try write("nonsense", to: "\(directory)/pki/ca.key")
            let error = #expect(throws: PKIError.self) { try Layout(directory: directory).prepare(cluster) }
            #expect(error?.message.contains("pki/ca.crt cannot be used") == true)
        }
    }

    @Test func mergesIntoTheUsersFileAndNothingElse() async throws {
        try await withDirectory { directory in
            let admin = try #require(try Layout(directory: directory).prepare(cluster).kubeconfigs[.admin])
            let path = "\(directory)/home/.kube/config"
            var mine = admin
            (mine.contextName, mine.userName) = ("apus", "apus")
            try mine.merge(intoFile: path)
            #expect(try shell("stat -c %a \(path)") == "600\n")
            let theirs = """
                apiVersion: v1
                kind: Config
                preferences: {colors: true}
                current-context: work
                clusters:
                - {name: work, cluster: {server: "https://work.example:443", insecure-skip-tls-verify: true}}
                - {name: apus, cluster: {server: "https://old.example"}}
                users:
                - {name: me, user: {token: abc}}
                contexts:
                - {name: work, context: {cluster: work, user: me, namespace: dev}}

                """
            try write(theirs, to: path)
            try mine.merge(intoFile: path, makeCurrent: false)
            let before = try #require(try YAML.decode(theirs).first)
            let merged = try #require(try YAML.decode(try read(path)).first)
            #expect(merged["current-context"] == "work")
            #expect(merged["preferences"] == before["preferences"])
            #expect(merged["clusters"][0] == before["clusters"][0])
            #expect(merged["clusters"][1]["cluster"]["server"] == "https://127.0.0.1:6443")
            #expect(merged["users"][0] == before["users"][0] && merged["contexts"][0] == before["contexts"][0])
            #expect(merged["contexts"][1] == ["name": "apus", "context": ["cluster": "apus", "user": "apus"]])
            try mine.merge(intoFile: path)
            let text = try read(path)
            #expect(try YAML.decode(text).first?["current-context"] == "apus")
            try mine.merge(intoFile: path)
            #expect(try read(path) == text)
        }
    }

    @Test func leavesAFileAloneThatItDoesNotUnderstand() async throws {
        try await withDirectory { directory in
            let admin = try #require(try Layout(directory: directory).prepare(cluster).kubeconfigs[.admin])
            for text in ["{: [", "- a list\n", "kind: Secret\napiVersion: v1\n"] {
                try write(text, to: "\(directory)/config")
                #expect(throws: PKIError.self) { try admin.merge(intoFile: "\(directory)/config") }
                #expect(try read("\(directory)/config") == text)
            }
            try write("", to: "\(directory)/config.lock")
            #expect(throws: PKIError.self) { try admin.merge(intoFile: "\(directory)/config") }
        }
    }
}
