import APIModel
import FileSystem
import Testing

@testable import Containerd

@Suite struct ConfigurationTests {
    private func toml(_ facts: HostFacts) -> String {
        ContainerdConfiguration(sandboxImage: "apus.local/pause:1").toml(
            paths: ContainerdPaths(directory: "/nowhere/containerd"), cniDirectory: "/usr/lib/cni", facts: facts)
    }

    @Test func followsWhatTheMachineCanDo() {
        let able = toml(HostFacts(canLowerOOMScore: true, hasOverlay: true, hasCgroups: true))
        #expect(able.contains("restrict_oom_score_adj = false"))
        #expect(able.contains("disable_cgroup = false"))
        #expect(able.contains(#"snapshotter = "overlayfs""#))
        let poor = toml(HostFacts(canLowerOOMScore: false, hasOverlay: false, hasCgroups: false))
        #expect(poor.contains("restrict_oom_score_adj = true"))
        #expect(poor.contains("disable_cgroup = true"))
        #expect(poor.contains(#"snapshotter = "native""#))
        #expect(!poor.contains(#""io.containerd.snapshotter.v1.native""#))
    }

    @Test func keepsEverythingUnderItsDirectory() {
        let text = toml(HostFacts(canLowerOOMScore: true, hasOverlay: true, hasCgroups: true))
        for line in [
            "root = \"/nowhere/containerd/root\"", "state = \"/nowhere/containerd/state\"",
            "address = \"/nowhere/containerd/containerd.sock\"",
        ] {
            #expect(text.contains(line))
        }
    }

    @Test func networkIsWhatCNIReads() throws {
        let json = try JSON.decode(
            Array(
                CNIConfiguration(bridge: "b0", network: "n", mtu: 1400).json(podCIDRs: ["10.1.2.0/24", "fd00:2::/64"], dataDirectory: "/d")
                    .utf8))
        let bridge = json["plugins"][0]
        #expect(json["name"] == "n")
        #expect(bridge["bridge"] == "b0")
        #expect(bridge["mtu"] == 1400)
        #expect(bridge["ipMasq"] == false)
        #expect(bridge["ipam"]["ranges"] == [[["subnet": "10.1.2.0/24"]], [["subnet": "fd00:2::/64"]]])
        #expect(bridge["ipam"]["routes"] == [["dst": "0.0.0.0/0"], ["dst": "::/0"]])
        #expect(bridge["ipam"]["dataDir"] == "/d")
    }

    @Test func missingPluginsAreNamedWithTheirPackage() {
        let error = #expect(throws: ContainerdError.self) { try ContainerdConfiguration(cniBinaries: ["/nonexistent"]).cniDirectory() }
        #expect(error?.code == .missing)
        #expect(error?.message.contains("containernetworking-plugins") == true)
    }

    @Test func mountPathsAreReadAsTheKernelWritesThem() {
        #expect(MountPoints.unescaped(#"/a\040b\134c"#) == #"/a b\c"#)
        #expect(MountPoints.unescaped(#"/a\04"#) == #"/a\04"#)
    }
}
