import APIModel
import Testing

@testable import Kubelet

/// Images that a container mounts as volumes.
@Suite struct ImageVolumeTests {
    private static func spec(_ reference: String) -> Value {
        let mount: Value = ["name": "art", "mountPath": "/art", "subPath": "etc"]
        return [
            "volumes": [["name": "art", "image": ["reference": .string(reference), "pullPolicy": "IfNotPresent"]]],
            "containers": [["name": "web", "image": "web:1", "volumeMounts": [mount]]],
        ]
    }

    @Test func theRuntimeMountsIt() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec("art:2")))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let mount = bench.runtime.config("web")["mounts"].elements.first { $0["container_path"].string == "/art" } ?? .null
            #expect(mount[path: "image", "image"].string == "art:2" && mount["image_sub_path"].string == "etc")
            #expect(mount["host_path"].isNull && mount["readonly"].bool == true)
            #expect(bench.events.message("Pulling") == "Pulling image \"art:2\"")
        }
    }

    @Test func aContainerWaitsForIt() async throws {
        let bench = Bench()
        bench.runtime.fail("PullImage", RuntimeFailure(code: "NotFound", message: "no such image"))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec("art:2")))
            // A slow reader sees only the second.
            try await bench.wait("waiting") {
                ["ErrImagePull", "ImagePullBackOff"].contains($0["containerStatuses"][0][path: "state", "waiting", "reason"].string)
            }
            #expect(bench.runtime.count("CreateContainer") == 0)
        }
    }
}
