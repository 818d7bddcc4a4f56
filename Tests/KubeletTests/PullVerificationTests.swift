import APIModel
import FileSystem
import Logging
import PKI
import Testing

@testable import Kubelet

/// Who may have an image that is on the node already.
@Suite struct PullVerificationTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    @Test(
        arguments: [
            (.never, [], "r.example/a:1", true, false), (.pulled, [], "r.example/a:1", false, false),
            (.pulled, [], "r.example/a:1", true, true), (.always, [], "r.example/a:1", false, true),
            (.unlisted, ["r.example/b"], "r.example/a:1", false, true),
            (.unlisted, ["r.example/b", "r.example/a"], "r.example/a:1", true, false),
            (.unlisted, ["r.example/a"], "r.example/a@\(digest)", true, false),
            (.unlisted, ["r.example/*"], "r.example/x/a:1", true, false),
            (.unlisted, ["r.example/x/*"], "r.example/a", true, true), (.unlisted, ["r.example/a"], "r.example/ab", true, true),
            // Names are compared as pods write them.
            (.unlisted, ["docker.io/library/web"], "web:1", false, true), (.unlisted, ["docker.io/*"], "web", false, true),
            (.unlisted, ["web"], "web:1@\(digest)", false, false),
        ] as [(PullVerification.Policy, [String], String, Bool, Bool)])
    func policies(_ policy: PullVerification.Policy, _ allowed: [String], _ image: String, _ wasPulled: Bool, _ isNeeded: Bool) {
        #expect(PullVerification(policy: policy, allowed: allowed).isNeeded(for: image, wasPulled: wasPulled) == isNeeded)
    }

    @Test(
        arguments: [
            ("r.example/a", nil), ("r.example/*", nil), ("web", nil),
            ("r.example/a*/b", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: r.example/a*/b"),
            ("r.example/a*", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: r.example/a*"),
            ("r.example/*/b", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: r.example/*/b"),
            ("*", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: *"),
            ("/*", "at least registry hostname is required"), ("", "the supplied pattern is too short: "),
            ("r.example/", "failed to parse as an image name: invalid reference format"),
            ("r.example/a:1", "neither tag nor digest is accepted in an image reference: r.example/a:1"),
            ("r.example/a ", "leading/trailing spaces are not allowed: r.example/a "),
        ] as [(String, String?)])
    func patterns(_ pattern: String, _ problem: String?) {
        let words = problem.map { "invalid image pattern in `preloadedImagesVerificationAllowlist`: \($0)" }
        #expect(PullVerification(policy: .unlisted, allowed: [pattern]).problem == words)
    }

    @Test func aListIsOfItsPolicyAlone() {
        #expect(
            PullVerification(policy: .always, allowed: ["a"]).problem
                == "can't set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVertificationPolicy` is not \"NeverVerifyAllowlistedImages\""
        )
    }

    // MARK: Credentials

    private static func secret(_ name: String = "pull", _ hash: String = "h", uid: String = "u", namespace: String = "one")
        -> PullCredentials.Secret
    { PullCredentials.Secret(uid: uid, namespace: namespace, name: name, hash: hash) }

    /// What the image was pulled with, what a pod brings, whether that will do and is to be remembered.
    @Test(
        arguments: [
            ([secret()], [], nil), ([secret()], [secret()], false), ([secret()], [secret("pull", "new")], true),
            ([secret()], [secret("pull", "new", uid: "v")], nil), ([secret()], [secret("pull", "new", namespace: "two")], nil),
            ([secret()], [secret("other")], true), ([secret()], [secret("other", "new"), secret()], false),
            // What is not known is not the same.
            ([secret("pull", "")], [secret("other", "")], nil), ([secret("pull", "")], [secret("pull", "")], true),
            ((0..<100).map { secret("\($0)") }, [secret("other")], false), ((0..<100).map { secret("\($0)") }, [secret("7", "new")], nil),
        ] as [([PullCredentials.Secret], [PullCredentials.Secret], Bool?)])
    func whatAPodBrings(_ known: [PullCredentials.Secret], _ brought: [PullCredentials.Secret], _ isNew: Bool?) {
        #expect(PullCredentials(secrets: known).admits(brought)?.isNew == isNew)
    }

    @Test(
        arguments: [
            (PullCredentials(), .all, .all), (.all, PullCredentials(secrets: [secret()]), nil), (.all, .all, nil),
            (PullCredentials(secrets: [secret()]), PullCredentials(), nil), (PullCredentials(secrets: [secret()]), .all, .all),
            (PullCredentials(secrets: [secret()]), PullCredentials(secrets: [secret()]), nil),
            (
                PullCredentials(secrets: [secret()]), PullCredentials(secrets: [secret("pull", "new")]),
                PullCredentials(secrets: [secret("pull", "new")])
            ),
            (
                PullCredentials(secrets: [secret("b")]), PullCredentials(secrets: [secret("a"), secret("z", namespace: "eins")]),
                PullCredentials(secrets: [secret("z", namespace: "eins"), secret("a"), secret("b")])
            ),
        ] as [(PullCredentials, PullCredentials, PullCredentials?)])
    func whatIsRemembered(_ before: PullCredentials, _ new: PullCredentials, _ after: PullCredentials?) {
        var credentials = before
        #expect(credentials.add(new) == (after != nil))
        #expect(credentials == after ?? before)
        #expect(PullCredentials(credentials.value) == credentials)
    }

    // MARK: The book

    private static func pulls(
        _ directory: TemporaryDirectory, _ policy: PullVerification.Policy = .pulled, disk: BlockingWork = BlockingWork()
    ) -> ImagePulls {
        var configuration = KubeletConfiguration(
            nodeName: "node", nodeAddresses: [], podCIDRs: [], rootDirectory: directory.path, podLogsDirectory: "/nowhere",
            version: "v1.36.0")
        configuration.pullVerification.policy = policy
        return ImagePulls(configuration, disk: disk, log: Logger(label: "test"))
    }

    private static func names(_ directory: TemporaryDirectory, _ part: String) -> [String] {
        Files.names(in: "\(directory.path)/image_manager/\(part)")
    }

    @Test func anImageIsForThoseWhoCouldPullIt() async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let pulls = Self.pulls(directory)
        try await pulls.begin("r.example/a:1")
        #expect(Self.names(directory, "pulling") == ["sha256-" + Digest.hexadecimal("r.example/a:1")])
        // Another's pull that goes on.
        #expect(try await pulls.mustPull("r.example/a:1", reference: "id") { [] })
        await pulls.succeeded("r.example/a:1", reference: "id", with: PullCredentials(secrets: [Self.secret()]))
        #expect(Self.names(directory, "pulling") == [] && Self.names(directory, "pulled") == ["sha256-" + Digest.hexadecimal("id")])
        // The next kubelet, too.
        for pulls in [pulls, Self.pulls(directory)] {
            #expect(try await pulls.mustPull("r.example/a:2", reference: "id") { [] })
            #expect(try await !pulls.mustPull("r.example/a:2", reference: "id") { [Self.secret()] })
            // By another name it is another's.
            #expect(try await pulls.mustPull("r.example/b:1", reference: "id") { [Self.secret()] })
            // What nobody pulled is everybody's.
            #expect(try await !pulls.mustPull("r.example/a:1", reference: "loaded") { [] })
        }
        #expect(try await !Self.pulls(directory, .never).mustPull("r.example/a:1", reference: "id") { [] })
        #expect(try await Self.pulls(directory, .always).mustPull("r.example/a:1", reference: "loaded") { [] })
        // A secret that says the same is remembered.
        #expect(try await !pulls.mustPull("r.example/a:1", reference: "id") { [Self.secret("other", namespace: "two")] })
        #expect(try await !pulls.mustPull("r.example/a:1", reference: "id") { [Self.secret("other", "new", namespace: "two")] })
        try await pulls.begin("r.example/a:1")
        await pulls.succeeded("r.example/a:1", reference: "id", with: .all)
        #expect(try await !pulls.mustPull("r.example/a:1", reference: "id") { [] })
        await pulls.keep(["id"], asOf: Clock.seconds() + 10)
        #expect(Self.names(directory, "pulled").count == 1)
        await pulls.keep([], asOf: Clock.seconds() - 10)
        #expect(Self.names(directory, "pulled").count == 1)
        await pulls.keep([], asOf: Clock.seconds() + 10)
        #expect(Self.names(directory, "pulled").isEmpty)
    }

    @Test func whatNobodySawEndWasPulled() async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        for image in ["web:1", "other:1", "failed:1"] { try await Self.pulls(directory).begin(image) }
        let pulls = Self.pulls(directory)
        try await pulls.begin("failed:1")
        try await pulls.begin("failed:1")
        await pulls.failed("failed:1")
        #expect(try await pulls.mustPull("failed:1", reference: "failed:1") { [] })
        await pulls.failed("failed:1")
        #expect(try await !pulls.mustPull("failed:1", reference: "failed:1") { [] })
        let runtime = FakeRuntime()
        try await pulls.takeOver(CRI(runtime: runtime))
        for image in ["web:1", "other:1"] { #expect(try await pulls.mustPull(image, reference: image) { [Self.secret()] }) }
        #expect(Self.names(directory, "pulling") == ["sha256-" + Digest.hexadecimal("other:1")])
        #expect(Self.names(directory, "pulled") == ["sha256-" + Digest.hexadecimal("web:1")])
    }

    @Test(arguments: ["", "{}", "{\"kind\":\"ImagePulledRecord\",\"apiVersion\":\"kubelet.config.k8s.io/v2\",\"imageRef\":\"id\"}"])
    func aRecordThatCannotBeReadLetsNobodyHaveIt(_ text: String) async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let file = "\(directory.path)/image_manager/pulled/sha256-" + Digest.hexadecimal("id")
        try Files.makeDirectory(Files.parent(of: file), mode: 0o700)
        try Files.replace(file, Array(text.utf8), mode: 0o600)
        #expect(try await Self.pulls(directory).mustPull("web:1", reference: "id") { [Self.secret()] })
    }

    // MARK: Pods

    private static func credentials(_ name: String) -> Value {
        let config = #"{"auths":{"r.example":{"username":"u","password":"p"}}}"#
        return [
            "apiVersion": "v1", "kind": "Secret", "metadata": ["name": .string(name), "namespace": "default", "uid": "u"],
            "type": "kubernetes.io/dockerconfigjson", "data": [".dockerconfigjson": .string(Base64.encode(Array(config.utf8)))],
        ]
    }

    private static func pod(_ name: String, secrets: [String], policy: String = "IfNotPresent") -> Value {
        let container: Value = ["name": "web", "image": "r.example/web:1", "imagePullPolicy": .string(policy)]
        return makePod(name, spec: ["containers": [container], "imagePullSecrets": .array(secrets.map { ["name": .string($0)] })])
    }

    @Test func aPodThatCouldNotPullDoesNotHaveIt() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.secrets, Self.credentials("pull"))
            bench.client.put(.pods, Self.pod("first", secrets: ["pull"]))
            try await bench.wait("running", of: "first") { $0["phase"].string == "Running" }
            // From now on the registry lets nobody in.
            bench.runtime.fail("PullImage", RuntimeFailure(code: "Unknown", message: "no"))
            bench.client.put(.pods, Self.pod("second", secrets: ["pull"]))
            try await bench.wait("running", of: "second") { $0["phase"].string == "Running" }
            let words = "Container image \"r.example/web:1\" already present on machine and can be accessed by the pod"
            #expect(bench.events.reasons(saying: words) == ["Pulled"])
            bench.client.put(.pods, Self.pod("stranger", secrets: []))
            try await bench.wait("refused", of: "stranger") {
                ["ErrImagePull", "ImagePullBackOff"].contains($0["containerStatuses"][0][path: "state", "waiting", "reason"].string)
            }
            bench.client.put(.pods, Self.pod("never", secrets: [], policy: "Never"))
            let never = try await bench.wait("refused", of: "never") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "ErrImageNeverPull"
            }
            #expect(
                never["containerStatuses"][0][path: "state", "waiting", "message"].string
                    == "Container image \"r.example/web:1\" is not present with pull policy of Never")
        }
    }
}
