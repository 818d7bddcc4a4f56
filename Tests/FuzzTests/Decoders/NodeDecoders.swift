import APIModel
import FileSystem
import Foundation
import HTTPTypes

@testable import Client
@testable import Containerd
@testable import ELF
@testable import Kubelet

/// What pods, containers, runtimes and images say to the node.
enum NodeDecoders {
    static let all = pods + runtime + files

    private static let pods = [
        Decoder(text: "expansion", seeds: ["$(A)$(B)", "$$(A) $(MISSING) $", "$(A"], words: ["$(", ")", "$$", "$(A)"]) { input in
            let values = ["A": input, "B": "$(A)$(A)"]
            return "\(try Expansion.expand(input) { values[$0] }.utf8.count / 1_000)"
        },
        Decoder("probe-port", seeds: [JSON.encode(["port": 80]), JSON.encode(["port": "http"])], isJSON: true) { input in
            let container: Value = ["ports": [["name": "http", "containerPort": 8080], ["name": "x", "containerPort": -1]]]
            return "\(Handler.port(try JSON.decode(input)["port"], of: container) ?? -1)".count.description
        },
        Decoder(
            text: "http-probe-answer",
            seeds: [
                "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "HTTP/1.1 200 OK\nlocation: http://10.0.0.1:80/y\n\n",
                "HTTP/1.1 301\r\nLocation: https://10.0.0.1:80\r\n",
            ],
            words: ["HTTP/1.1 ", "Location: ", "http://10.0.0.1:80"]
        ) { input in
            let target = HTTPTarget(host: "10.0.0.1", port: 80, path: "/").redirected(by: input)
            let request = HTTPRequest(
                path: target?.path ?? input, authority: "10.0.0.1:80", headers: [["name": "A", "value": .string(input)]], userAgent: "a")
            return "\(HTTPAnswer.status(input).map { $0 / 100 } ?? -1) \(target == nil) \(((try? request.text()) ?? "").isEmpty)"
        },
        Decoder("grpc-health", seeds: [[8, 1], [8, 2, 0x12, 1, 97]]) { input in "\(GRPCHealth.state(input))" },
        Decoder(
            text: "field-path", seeds: ["metadata.labels['app']", "metadata.annotations['a.b/c']", "status.podIP", "metadata.labels"],
            words: ["['", "']", "metadata."]
        ) { input in
            let object = Object(DecoderSamples.objects[0])
            let reference = FieldReference(
                pod: Pod(object), nodeName: "n", hostIPs: ["a"], podIPs: ["b"], allocatable: ["cpu": .init(Int64.max)])
            let reference2: Value = ["resource": .string(input), "divisor": .string(input)]
            _ = try? reference.resource(reference2, container: object.value["spec"]["containers"].elements[0])
            return try reference.field(input).isEmpty.description
        },
        Decoder(
            text: "image-reference",
            seeds: ["busybox", "registry.example:5000/team/web:1.2", "web@sha256:" + String(repeating: "a", count: 64)],
            words: ["@", ":", "/", "sha256:"]
        ) { input in
            _ = try? ImageName.normalized(input)
            let parts = ImageReference(input).map { "\($0.tag == nil) \($0.digest == nil) \($0.domain.count)" }
            return "\(parts ?? "none") \(ImageReference.withDefaultTag(input) == input)"
        },
        Decoder(
            "pull-secret",
            seeds: [
                JSON.encode(["auths": ["https://*.example.com/v1/": ["auth": "YTpi"], "docker.io": ["username": "a", "password": "b"]]])
            ], isJSON: true
        ) { input in
            let secrets = PullSecrets(
                ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"].map { type in
                    [
                        "type": .string(type),
                        "data": [".dockerconfigjson": .string(Base64.encode(input)), ".dockercfg": .string(Base64.encode(input))],
                    ]
                })
            return ["web", "a.example.com/b"].compactMap { ImageReference($0) }.map { "\(secrets.candidates(for: $0).count)" }.joined()
        },
        Decoder(
            text: "log-query",
            seeds: [
                "tailLines=10&sinceSeconds=5&limitBytes=100", "sinceTime=2026-01-02T03:04:05Z&follow=1&stream=Stdout",
                "command=sh&command=-c&tty=1&input=1",
            ], words: ["tailLines=", "sinceSeconds=", "limitBytes=", "sinceTime="]
        ) { input in
            let query = input.split(separator: "&").map { part -> (name: String, value: String) in
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(pair[0]), pair.count > 1 ? String(pair[1]) : "")
            }
            _ = RemoteCommandOptions(query)
            let options = try LogOptions(query, now: Timestamp.nowSeconds() * 1_000_000_000)
            var formatter = LogFormatter(options)
            return "\(formatter.add(Array(logs.utf8)[...]).count / 10)"
        },
        Decoder(text: "log-line", seeds: [logs], words: ["stdout", "stderr", " F ", " P ", "\n"]) { input in
            var formatter = LogFormatter(LogOptions())
            let bytes = Array(input.utf8)
            let first = formatter.add(bytes[..<(bytes.count / 2)])
            return "\(first.isEmpty) \(formatter.add(bytes[(bytes.count / 2)...]).isEmpty)"
        },
    ]

    private static let logs = """
        2026-01-02T03:04:05.123456789Z stdout F whole
        2026-01-02T03:04:05.123456789Z stdout P part
        2026-01-02T03:04:06+01:00 stderr F error

        """

    // MARK: Runtimes

    private static let runtime = [
        Decoder("runtime-answers", seeds: DecoderSamples.runtimeAnswers.map { JSON.encode($0.1) }, isJSON: true) { input in
            let answer = try JSON.decode(input)
            for item in [answer["status"], answer] + answer["items"].elements + answer["containers"].elements {
                var sandbox = PodRuntime.Sandbox(item)
                sandbox.complete(item)
                var container = PodRuntime.Container(item)
                container.complete(item)
            }
            return "\(RuntimeFeatures(answer))".prefix(60).description
        },
        Decoder(
            "protobuf-fields",
            seeds: DecoderSamples.runtimeAnswers.compactMap { name, value in
                Catalogue.cri.type(named: name).flatMap { try? Protobuf.encode(value, as: $0) }
            }
        ) { input in
            "\(ProtobufFields.lengthDelimited(input).count)"
        },
    ]

    // MARK: Files

    private static let checkpoint = JSON.encode([
        "Data": [
            "PodDeviceEntries": [
                [
                    "PodUID": "p", "ContainerName": "c", "ResourceName": "r/d", "DeviceIDs": ["-1": ["a"], "1": ["b"]], "AllocResp": "CgA=",
                ]
            ], "RegisteredDevices": ["r/d": ["a"]],
        ]
    ])

    private static let files = [
        Decoder("device-checkpoint", seeds: [checkpoint], isJSON: true) { input in
            guard let book = DeviceCheckpoint.decode(input, now: 0) else { return "none" }
            return "\(book.grants.count) \(book.held.count) \(DeviceCheckpoint.encode(book).isEmpty)"
        },
        Decoder(
            "cpu-checkpoint",
            seeds: [JSON.encode(["policyName": "static", "defaultCpuSet": "0-1", "entries": ["p": ["c": "2-3"]]])], isJSON: true
        ) { input in
            let places = (0..<4).map { ($0, CPUTopology.Place(core: $0, socket: 0, node: $0 / 2)) }
            let topology = CPUTopology(Dictionary(uniqueKeysWithValues: places))
            var assignments = CPUAssignments(topology: topology, reserved: CPUSet([0]))
            try assignments.restore(try JSON.decode(input))
            return "\(assignments.own.count) \(assignments.shared)"
        },
        Decoder(
            "bus-message",
            seeds: [BusMessage(call: "Hello", of: "org.freedesktop.DBus", at: "/", to: "a", [.string("b"), .int32(1)]).bytes]
        ) { input in
            guard let message = BusMessage(input) else { return "none" }
            return "\(message.kind) \(message.string == nil) \(message.bool == nil) \(message.number == nil)"
        },
        Decoder("tar", seeds: [tar], longest: 1 << 16) { input in
            let path = try Scratch.write(input)
            defer { unlink(path) }
            let reader = try TarReader(path: path)
            return "\(reader.files.keys.sorted().map { "\(reader.content($0)?.count ?? -1)" }.prefix(6))"
        },
        Decoder("image-archive", seeds: [image], longest: 1 << 16) { input in
            let path = try Scratch.write(input)
            defer { unlink(path) }
            return "\(try ImageArchiveContents(file: path, name: "fuzz").names.count)"
        },
        // The indices of an archive, in an archive that is whole.
        Decoder("image-index", seeds: [index], isJSON: true) { input in
            var writer = TarWriter()
            try writer.add("oci-layout", .file, mode: 0o644, content: Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))
            try writer.add("index.json", .file, mode: 0o644, content: input)
            try writer.add("manifest.json", .file, mode: 0o644, content: input)
            let path = try Scratch.write(writer.finished())
            defer { unlink(path) }
            return "\(try ImageArchiveContents(file: path, name: nil).names.count)"
        },
        Decoder(text: "mount-table", seeds: ["/a\\040b", "\\134\\012", "\\9"], words: ["\\040", "\\"]) { input in
            "\(MountPoints.unescaped(input[...]).count % 5)"
        },
        Decoder("elf", seeds: [library], longest: 1 << 17) { input in
            let file = try ELFFile(input)
            return "\(file.kind) \(file.needed.count) \(file.symbols.count)"
        },
    ]

    private static let tar: [UInt8] = {
        var writer = TarWriter()
        try? writer.add("a/b", .file, mode: 0o644, content: Array("content".utf8))
        try? writer.add(String(repeating: "long/", count: 30) + "x", .file, mode: 0o644, content: [1])
        return writer.finished()
    }()

    private static let image: [UInt8] = {
        guard var archive = try? ImageArchive(name: "example.com/a:1", process: ImageArchive.Process()) else { return [] }
        try? archive.add(file: "x", [1, 2, 3])
        return (try? archive.encoded()) ?? []
    }()

    private static let index = JSON.encode([
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            [
                "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": .string("sha256:" + String(repeating: "a", count: 64)),
                "size": 1, "annotations": ["io.containerd.image.name": "example.com/a:1", "org.opencontainers.image.ref.name": "1"],
            ]
        ],
    ])

    /// A small library that every system has.
    private static let library: [UInt8] = {
        for path in ["/lib/x86_64-linux-gnu/libdl.so.2", "/lib/aarch64-linux-gnu/libdl.so.2", "/lib64/libdl.so.2"] {
            if let data = FileManager.default.contents(atPath: path) { return Array(data) }
        }
        return []
    }()
}
