import APIModel
import Glibc
import PluginHost
import Testing

@testable import Containerd

/// Images that are not what they should be, and registries that do not do what they should, through the plugin on a real containerd.
@Suite(.serialized, .enabled(if: reasonAgainstContainerd == nil, "the real containerd"))
struct ImageFaultTests {
    private static let manifestType = "application/vnd.oci.image.manifest.v1+json"

    /// Puts an image into a registry, and returns its parts' paths.
    @discardableResult
    private static func add(
        _ name: String, _ layers: [[UInt8]], architecture: String = "amd64", to registry: Registry
    ) -> (manifest: String, layers: [String]) {
        func descriptor(_ type: String, _ bytes: [UInt8]) -> Value {
            ["mediaType": .string(type), "digest": .string(digest(bytes)), "size": .int(Whole(bytes.count))]
        }
        let configuration = JSON.encode([
            "architecture": .string(architecture), "os": "linux", "config": .emptyObject,
            "rootfs": ["type": "layers", "diff_ids": .array(layers.map { .string(digest($0)) })],
        ])
        let manifest = JSON.encode([
            "schemaVersion": 2, "mediaType": .string(manifestType),
            "config": descriptor("application/vnd.oci.image.config.v1+json", configuration),
            "layers": .array(layers.map { descriptor("application/vnd.oci.image.layer.v1.tar", $0) }),
        ])
        var entry = descriptor(manifestType, manifest)
        entry["platform"] = ["architecture": .string(architecture), "os": "linux"]
        let indexType = "application/vnd.oci.image.index.v1+json"
        let index = JSON.encode(["schemaVersion": 2, "mediaType": .string(indexType), "manifests": [entry]])
        let root = "/v2/\(name)"
        registry.set("\(root)/manifests/1", .bytes(index, type: indexType))
        registry.set("\(root)/manifests/\(digest(index))", .bytes(index, type: indexType))
        registry.set("\(root)/manifests/\(digest(manifest))", .bytes(manifest, type: manifestType))
        registry.set("\(root)/blobs/\(digest(configuration))", .bytes(configuration))
        for layer in layers { registry.set("\(root)/blobs/\(digest(layer))", .bytes(layer)) }
        return ("\(root)/manifests/1", layers.map { "\(root)/blobs/\(digest($0))" })
    }

    private static func layer(_ files: [(String, String)]) throws -> [UInt8] {
        var tar = TarWriter()
        for (name, text) in files { try tar.add(name, .file, mode: 0o644, content: Array(text.utf8)) }
        return tar.finished()
    }

    @Test func whatIsWrongIsSaidAndNothingStays() async throws {
        let (node, registry) = (try await CRINode(), try Registry())
        defer { registry.stop() }
        do {
            let layer = try Self.layer([("file", String(repeating: "x", count: 4096))])
            func image(_ name: String) -> Value { ["image": ["image": .string("\(registry.address)/\(name):1")]] }

            let parts = Self.add("half", [layer], to: registry)
            registry.set(parts.layers[0], .half(layer))
            let other = Self.add("other", [layer], to: registry)
            registry.set(other.layers[0], .bytes(Array(repeating: 7, count: layer.count)))
            Self.add("foreign", [layer], architecture: "s390x", to: registry)
            Self.add("noise", [Array("no archive at all".utf8)], to: registry)
            registry.set(Self.add("garbage", [layer], to: registry).manifest, .bytes(Array("<html>".utf8), type: "text/html"))
            registry.set(Self.add("asleep", [layer], to: registry).manifest, .nothing)
            registry.set(
                Self.add("locked", [layer], to: registry).manifest, .status(401, header: "WWW-Authenticate: Basic realm=\"nobody\""))
            registry.set(Self.add("busy", [layer], to: registry).manifest, .status(429))
            registry.set(Self.add("broken", [layer], to: registry).manifest, .status(500))
            let faults: [(String, String)] = [
                ("half", "unexpected EOF"), ("other", "digest"), ("foreign", "no match for platform"), ("noise", "failed to extract layer"),
                ("garbage", ""), ("asleep", "deadline"), ("locked", "status code [manifests 1]: 401"),
                ("busy", "status code [manifests 1]: 429"),
                ("broken", "status code [manifests 1]: 500"), ("missing", "not found"),
            ]
            for (name, words) in faults {
                let limit: Duration = name == "asleep" || name == "half" ? .seconds(3) : .seconds(20)
                let error = await #expect(throws: RuntimeError.self, "\(name)") {
                    try await node.runtime.call("ImageService/PullImage", image(name), timeout: limit)
                }
                let said = "\(error.map { "\($0)" } ?? "")".lowercased()
                #expect(said.contains(words.lowercased()) || name == "half" && said.contains("deadline"), "\(name): \(said)")
                let status = try await node.runtime.call("ImageService/ImageStatus", image(name))
                #expect(status["image"].isNull, "\(name)")
            }
            // The runtime is none the worse, and takes away and keeps in as layers say.
            let evil = "apus-evil-\(node.scratch.id)"
            let first = try Self.layer([("../../../../../../tmp/\(evil)", "out"), ("gone", "x"), ("stays", "x")])
            Self.add("layers", [first, try Self.layer([(".wh.gone", "")])], to: registry)
            try await node.runtime.call("ImageService/PullImage", image("layers"))
            #expect(access("/tmp/\(evil)", F_OK) != 0)
            // An operator says where a registry's images are got from.
            for directory in ["registries", "registries/images.example"] { mkdir(node.scratch.path + "/containerd/" + directory, 0o755) }
            node.scratch.write(
                "containerd/registries/images.example/hosts.toml",
                "[host.\"http://\(registry.address)\"]\ncapabilities = [\"pull\", \"resolve\"]\n")
            try await node.runtime.call("ImageService/PullImage", ["image": ["image": "images.example/layers:1"]])
        } catch {
            try await node.tearDown()
            throw error
        }
        try await node.tearDown()
    }
}
