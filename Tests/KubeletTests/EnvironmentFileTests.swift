import APIModel
import FileSystem
import Testing

@testable import Kubelet

/// Variables from a file that an earlier container wrote.
@Suite struct EnvironmentFileTests {
    private static let text = """
        # what the first container found out
        A='one'
          B='two words' # and a remark
        C='line one
        line two'
        D= 'nothing'

        E=''
        """

    @Test(arguments: [
        ("A", "one"), ("B", "two words"), ("C", "line one\nline two"), ("D", ""), ("E", ""), ("F", ""),
    ])
    func finds(key: String, value: String) throws { #expect(try EnvironmentFile.value(of: key, in: Self.text) == value) }

    @Test(arguments: [
        ("A", 1), ("='a'", 1), ("A ='a'", 1), ("A=a", 1), ("A=\"a\"", 1), ("A='a", 1), ("B='b'\nA='a' b", 2),
    ])
    func refuses(text: String, line: Int) {
        #expect(throws: EnvironmentFile.Malformed(line: line)) { try EnvironmentFile.value(of: "Z", in: text) }
    }

    private static func reference(_ name: String, _ key: String, optional: Bool = false) -> Value {
        let file: Value = ["volumeName": "found", "path": "config.env", "key": .string(key), "optional": .bool(optional)]
        return ["name": .string(name), "valueFrom": ["fileKeyRef": file]]
    }

    /// A container that needs a file waits until another has written it.
    @Test func readsWhatAnotherContainerWrote() async throws {
        let bench = Bench()
        try await bench.run {
            let env: Value = [Self.reference("FIRST", "A"), Self.reference("NONE", "Z", optional: true)]
            bench.client.put(
                .pods,
                makePod(spec: [
                    "volumes": [["name": "found", "emptyDir": .emptyObject]],
                    "containers": [["name": "web", "image": "web:1", "env": env]],
                    "initContainers": [
                        ["name": "first", "image": "init:1", "volumeMounts": [["name": "found", "mountPath": "/found"]]]
                    ],
                ]))
            try await bench.wait("first runs") { !$0["initContainerStatuses"][0][path: "state", "running"].isNull }
            let volume = bench.context.configuration.podDirectory("uid-web") + "/volumes/kubernetes.io~empty-dir/found"
            try Directory.open(volume).create("config.env", Array("A='one'\n".utf8), mode: 0o644)
            bench.runtime.exit("first", code: 0)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let config = bench.runtime.config("web")
            #expect(config["envs"].elements.contains { $0["key"].string == "FIRST" && $0["value"].string == "one" })
            #expect(!config["envs"].elements.contains { $0["key"].string == "NONE" })
        }
    }
}
