import Client
import Glibc
import Testing

@Suite struct KubeconfigTests {
    private static let file = """
        apiVersion: v1
        kind: Config
        current-context: here
        clusters:
        - name: local
          cluster:
            server: https://127.0.0.1:6443/
            certificate-authority-data: Q0E=
        - name: files
          cluster:
            server: https://[::1]:6443
            certificate-authority: ca.crt
        - name: proxied
          cluster:
            server: https://127.0.0.1:6443
            proxy-url: http://127.0.0.1:3128
        users:
        - name: admin
          user:
            client-certificate-data: Q0VSVA==
            client-key-data: S0VZ
            as: jane
            as-groups: [a, b]
        - name: robot
          user:
            token: abc
        - name: pod
          user:
            tokenFile: token
            token: stale
        - name: half
          user:
            client-certificate-data: Q0VSVA==
        - name: cloud
          user:
            exec: {command: login}
        contexts:
        - {name: here, context: {cluster: local, user: admin, namespace: dev}}
        - {name: robot, context: {cluster: files, user: robot}}
        - {name: pod, context: {cluster: local, user: pod}}
        - {name: half, context: {cluster: local, user: half}}
        - {name: cloud, context: {cluster: local, user: cloud}}
        - {name: proxied, context: {cluster: proxied, user: robot}}
        - {name: nowhere, context: {cluster: gone, user: robot}}
        """

    private func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
        var template = Array("/tmp/apus-kubeconfig-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in files.keys { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        for (name, text) in files {
            let file = try #require(fopen("\(directory)/\(name)", "w"))
            fputs(text, file)
            fclose(file)
        }
        try body(directory)
    }

    @Test func contextsAreRead() throws {
        try withFiles(["config": Self.file, "ca.crt": "authority", "token": "secret\n"]) { directory in
            let path = "\(directory)/config"
            let here = try ClientConfiguration.load(kubeconfig: path)
            #expect(here.server == "https://127.0.0.1:6443")
            #expect(String(decoding: here.certificateAuthority, as: UTF8.self) == "CA")
            #expect(String(decoding: here.clientCertificate, as: UTF8.self) == "CERT")
            #expect(String(decoding: here.clientKey, as: UTF8.self) == "KEY")
            #expect(here.impersonatedUser == "jane" && here.impersonatedGroups == ["a", "b"])
            #expect(here.namespace == "dev" && here.credential == .none)

            let robot = try ClientConfiguration.load(kubeconfig: path, context: "robot")
            #expect(robot.credential == .token("abc"))
            #expect(String(decoding: robot.certificateAuthority, as: UTF8.self) == "authority")
            #expect(try ClientConfiguration.load(kubeconfig: path, context: "pod").credential == .tokenFile("\(directory)/token"))
        }
    }

    @Test(arguments: [
        ("none", "context \"none\" does not exist"), ("nowhere", "cluster \"gone\" does not exist"),
        ("half", "user \"half\" has a client certificate without a key"),
        ("cloud", "user \"cloud\": exec is not supported"), ("proxied", "cluster \"proxied\": proxy-url is not supported"),
    ])
    func mistakesAreNamed(context: String, message: String) throws {
        try withFiles(["config": Self.file]) { directory in
            let problem = try #require(throws: ClientConfiguration.Problem.self) {
                try ClientConfiguration.load(kubeconfig: "\(directory)/config", context: context)
            }
            #expect(problem.message.hasPrefix("\(directory)/config: \(message)"))
        }
    }

    @Test func usersAreReadByName() throws {
        let file = """
            current-context: c
            contexts: [{name: c, context: {user: '*'}}]
            users:
            - {name: '*', user: {token: abc}}
            - {name: pair.example.com, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
            - {name: basic, user: {username: jane, password: secret}}
            - {name: file, user: {tokenFile: token}}
            """
        try withFiles(["config": file, "token": "from-a-file\n", "bad": "users: [{name: a, user: {exec: {command: login}}}]"]) {
            directory in
            let (users, current) = try KubeconfigUser.all(in: "\(directory)/config")
            let pair = KubeconfigUser(certificate: Array("CERT".utf8), key: Array("KEY".utf8), authorization: nil)
            #expect(users["pair.example.com"] == pair)
            #expect(users["basic"]?.authorization == "Basic amFuZTpzZWNyZXQ=")
            #expect(users["file"]?.authorization == "Bearer from-a-file")
            #expect(current?.authorization == "Bearer abc" && users.count == 4)
            let problem = try #require(throws: ClientConfiguration.Problem.self) { try KubeconfigUser.all(in: "\(directory)/bad") }
            #expect(problem.message == "\(directory)/bad: user \"a\": exec is not supported")
        }
    }

    @Test func missingAndForeignFilesAreNamed() throws {
        try withFiles(["list": "- a"]) { directory in
            let missing = try #require(throws: ClientConfiguration.Problem.self) {
                try ClientConfiguration.load(kubeconfig: "\(directory)/none")
            }
            #expect(missing.message == "cannot read \(directory)/none: no such file or directory")
            let foreign = try #require(throws: ClientConfiguration.Problem.self) {
                try ClientConfiguration.load(kubeconfig: "\(directory)/list")
            }
            #expect(foreign.message == "\(directory)/list: not a kubeconfig file")
        }
    }
}
