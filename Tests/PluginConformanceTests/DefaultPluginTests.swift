import Foundation
import Testing

/// Every plugin of plugin-manifests/ keeps what the ABI promises, loaded from the build as an author's would be.
@Suite struct DefaultPluginTests {
    /// Manifests by file name; the runtime for a CRI needs one, and has a test of its own.
    static let manifests: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: Apus.root + "/plugin-manifests")) ?? []
        return all.filter { $0.hasSuffix(".yaml") && $0 != "runtime-cri.yaml" }.sorted()
    }()

    static func arguments(_ manifest: String) -> [String] {
        let name = manifest.dropLast(".yaml".count)
        // The one setting that a host adds.
        let settings = name == "controller-root-ca" ? ["--config", "certificate=PEM"] : []
        return ["\(Apus.products)/\(library(of: manifest))", "--manifest", "\(Apus.root)/plugin-manifests/\(manifest)"] + settings
    }

    /// What the manifest says: one library may have several components.
    private static func library(of manifest: String) -> String {
        let text = (try? String(contentsOfFile: "\(Apus.root)/plugin-manifests/\(manifest)", encoding: .utf8)) ?? ""
        return text.firstMatch(of: /library: (\S+)/).map { String($0.1) } ?? "the manifest names no library"
    }

    @Test func thereAreManifests() { #expect(Self.manifests.count >= 15) }

    /// In the process, and with `isolation: Process`: the promises hold across a process boundary.
    @Test(arguments: [[], ["--isolation", "Process"]])
    func everyPromiseIsKept(_ isolation: [String]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, manifest) in Self.manifests.enumerated() {
                // As many at once as keep a small machine busy.
                if index >= 3 { try await group.next() }
                group.addTask {
                    let result = try await Apus.test(Self.arguments(manifest) + isolation)
                    #expect(result.lines("FAIL") == [], "\(manifest)")
                    #expect(result.status == 0, "\(manifest)")
                    let passed = result.lines("ok")
                    #expect(passed.contains("start"), "\(manifest): \(passed)")
                    if isolation.isEmpty { #expect(passed.contains("create/unknown-field"), "\(manifest): \(passed)") }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(.enabled(if: geteuid() == 0, "network namespaces need root")) func whatAControllerPutIntoTheKernelGoesWithIt() async throws {
        let arguments = Self.arguments("policy-nftables.yaml").map { "'\($0)'" }.joined(separator: " ")
        let script = "'\(Apus.products)/apus' plugin test \(arguments) --check reconcile/settles && nft list ruleset"
        let result = try await Apus.run(["unshare", "--net", "sh", "-c", script])
        #expect(result.status == 0 && result.lines("ok") == ["reconcile/settles"], "\(result)")
        #expect(!result.lines.contains { $0.contains("apus-policy") }, "\(result)")
    }
}
