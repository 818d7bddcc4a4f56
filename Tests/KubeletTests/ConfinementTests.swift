import APIModel
import FileSystem
import Glibc
import Synchronization
import Testing

@testable import Kubelet

/// What root in a container does to a volume in order to have the kubelet read, write, remove or wait elsewhere. Each scene has a `victim`
/// beside the volume, which must be as it was.
@Suite struct ConfinementTests {
    private struct Scene {
        let scratch = TemporaryDirectory()
        let volume: Directory
        let victim: Directory

        init() throws {
            volume = try scratch.directory.make("volume")
            victim = try scratch.directory.make("victim")
            try victim.create("secret", Array("untouched".utf8), mode: 0o600)
            _ = try victim.make("kept")
        }

        var isVictimWhole: Bool {
            get throws { try victim.names() == ["kept", "secret"] && Files.text(victim.path + "/secret") == "untouched" }
        }

        /// A FIFO that nobody reads or writes: whoever opens it the usual way hangs.
        func fifo(_ path: String) { #expect(mkfifo("\(scratch.path)/\(path)", 0o666) == 0) }
    }

    private static let file = AtomicWriter.File(bytes: Array("new".utf8), mode: 0o644)

    // MARK: Volumes that show API objects

    /// `..data` as a container would like it to be.
    @Test(arguments: ["../victim", "/etc", "..2026/../../victim", ".", "..", "..2026_loop"]) func dataLinkLeadsNowhere(_ target: String)
        throws
    {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        try scene.volume.link(target, at: "..data")
        try scene.volume.link("..2026_loop", at: "..2026_loop")
        #expect(try AtomicWriter(volume: scene.volume).write(["key": Self.file]))
        #expect(Files.text(scene.volume.path + "/key") == "new")
        #expect(try scene.isVictimWhole)
        // What was planted is gone with the next change.
        #expect(try scene.volume.names().count == 3)
    }

    @Test func whatIsInTheWayOfAWriteIsNotOpened() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let writer = AtomicWriter(volume: scene.volume)
        try writer.write(["key": Self.file])
        let data = try #require(scene.volume.linkTarget("..data"))
        // The file that holds the old content, as a FIFO, a link, and a link at the place of the next `..data`.
        let current = try scene.volume.directory(data)
        current.remove("key")
        scene.fifo("volume/\(data)/key")
        try scene.volume.link("../victim/secret", at: "..data_tmp")
        #expect(try writer.write(["key": Self.file]))
        let next = try scene.volume.directory(try #require(scene.volume.linkTarget("..data")))
        next.remove("key")
        try next.link("../../victim/secret", at: "key")
        #expect(try writer.write(["key": Self.file]))
        #expect(Files.text(scene.volume.path + "/key") == "new")
        #expect(try scene.isVictimWhole)
    }

    // MARK: Sub-paths

    @Test(arguments: ["../victim", "/", "deep/../../victim", "self/victim"]) func subPathsStayInTheVolume(_ target: String) throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        try scene.volume.link(target, at: "part")
        try scene.volume.link("..", at: "self")
        let pod = try scene.scratch.directory.make("pod")
        for path in ["part", "part/new", "part/new/deeper"] {
            #expect(throws: SubPath.Problem.self) { try SubPath.bind(path, of: scene.volume.path, in: pod, at: "subpaths/0") }
        }
        #expect(try scene.isVictimWhole)
    }

    @Test func subPathsFollowLinksWithinAndBindWhatTheyFind() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let pod = try scene.scratch.directory.make("pod")
        try scene.volume.make("real").create("file", Array("1".utf8), mode: 0o644)
        try scene.volume.link("real", at: "link")
        let place = try SubPath.bind("link/file", of: scene.volume.path, in: pod, at: "subpaths/0")
        #expect(Files.text(place) == "1")
        // Again, as a directory that is made.
        #expect(try SubPath.bind("link/made/below", of: scene.volume.path, in: pod, at: "subpaths/0") == place)
        #expect(Files.isDirectory(place) && scene.volume.exists("real/made/below"))
        // A FIFO can be mounted, and is not waited for.
        scene.fifo("volume/fifo")
        #expect(try SubPath.bind("fifo", of: scene.volume.path, in: pod, at: "subpaths/0") == place)
        #expect(Files.status(place)?.kind == S_IFIFO)
        // A directory that becomes a link between the look and the mount is mounted as it was looked at, or not at all.
        let isOver = Atomic(false)
        let racer = Thread {
            while !isOver.load(ordering: .relaxed) {
                rename(scene.volume.path + "/real", scene.volume.path + "/aside")
                symlink(scene.victim.path, scene.volume.path + "/real")
                unlink(scene.volume.path + "/real")
                rename(scene.volume.path + "/aside", scene.volume.path + "/real")
            }
        }
        for _ in 0..<200 {
            guard let bound = try? SubPath.bind("real", of: scene.volume.path, in: pod, at: "subpaths/0") else { continue }
            #expect(Files.status(bound + "/secret") == nil)
        }
        isOver.store(true, ordering: .relaxed)
        racer.join()
        #expect(try scene.isVictimWhole)
    }

    // MARK: Last words and logs

    @Test func lastWordsAreReadFromTheContainersOwnFileAlone() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let configuration = KubeletConfiguration(
            nodeName: "n", nodeAddresses: [], podCIDRs: [], rootDirectory: scene.scratch.path,
            podLogsDirectory: scene.scratch.path + "/logs",
            version: "v1.36.0")
        var ended = container("web", .exited)
        ended.annotations = [Annotation.terminationMessagePath: "/dev/log"]
        let own = try configuration.makeDirectory(of: "u").make("containers/web")
        func words(_ path: String) -> String {
            let mounts: Value = ["mounts": [["container_path": "/dev/log", "host_path": .string(path)]]]
            return TerminationMessage(configuration: configuration).read(ended, of: "u", mounts)
        }
        try own.create("words", Array("bye".utf8), mode: 0o666)
        #expect(words(own.path + "/words") == "bye")
        try own.create("long", Array(repeating: UInt8(ascii: "a"), count: 5000) + Array("end".utf8), mode: 0o666)
        #expect(words(own.path + "/long").utf8.count == 4096 && words(own.path + "/long").hasSuffix("aend"))
        scene.fifo("pods/u/containers/web/fifo")
        try own.link("../../../../victim/secret", at: "link")
        for path in ["fifo", "link", "../../../../victim/secret", "none"] { #expect(words("\(own.path)/\(path)") == "") }
        #expect(words(scene.victim.path + "/secret") == "")
    }

    @Test func logsLieBelowTheirDirectory() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let configuration = KubeletConfiguration(
            nodeName: "n", nodeAddresses: [], podCIDRs: [], rootDirectory: scene.scratch.path, podLogsDirectory: scene.volume.path,
            version: "v1.36.0")
        _ = try scene.volume.make("pod")
        scene.fifo("volume/pod/fifo.log")
        try scene.volume.directory("pod").link("../../victim/secret", at: "link.log")
        try scene.volume.link("../victim", at: "elsewhere")
        for path in ["/pod/fifo.log", "/pod/link.log", "/elsewhere/secret", "/pod/../../victim/secret"] {
            #expect(throws: Files.Failure.self) { try ContainerLogFile(scene.volume.path + path, configuration).open() }
        }
        #expect(throws: Files.Failure.self) { try ContainerLogFile(scene.victim.path + "/secret", configuration).open() }
        ContainerLogFile(scene.volume.path + "/elsewhere/secret", configuration).remove()
        #expect(try scene.isVictimWhole)
    }

    // MARK: Paths of the machine

    @Test func whatAHostPathMakesIsMadeWhereItLed() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        try scene.volume.link("../victim/new", at: "dangling")
        for type in ["DirectoryOrCreate", "FileOrCreate"] {
            #expect(throws: (any Error).self) { try HostPath.check(scene.volume.path + "/dangling", type: type) }
        }
        scene.fifo("volume/fifo")
        #expect(throws: ConfigurationError.self) { try HostPath.check(scene.volume.path + "/fifo", type: "FileOrCreate") }
        #expect(throws: (any Error).self) { try HostPath.check(scene.volume.path + "/fifo/below", type: "DirectoryOrCreate") }
        #expect(try scene.isVictimWhole)
    }

    // MARK: Removal

    @Test func removalFollowsNothingAndCrossesNoMount() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let root = try scene.scratch.directory
        try scene.volume.link("../victim", at: "link")
        try scene.volume.make("a/b").link("/", at: "root")
        scene.fifo("volume/a/fifo")
        _ = mknod(scene.volume.path + "/a/device", S_IFCHR | 0o666, 1 << 8 | 3)
        let held = try root.beneath("victim", Directory.handle)
        defer { close(held) }
        _ = try scene.volume.make("a/mounted")
        try scene.volume.directory("a").bind(held, on: "mounted")
        // Of one file system with the volume, so that only the mount itself tells.
        #expect(!root.removeTree("volume"))
        #expect(try scene.isVictimWhole)
        #expect(MountPoints.below(scene.volume.path).count == 1)
        root.unmountAll("volume")
        #expect(root.removeTree("volume"))
        #expect(try scene.isVictimWhole && root.names() == ["victim"])
    }

    /// Deeper than a stack is and than descriptors go, with long names.
    @Test func removesWhatNoPathCanName() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let name = String(repeating: "d", count: 100)
        var directory = scene.volume
        for level in 0..<2_000 {
            directory = try directory.make(name)
            if level % 100 == 0 {
                for number in 0..<3 { _ = try directory.make("side-\(number)/below") }
                try directory.create("file", [], mode: 0o644)
            }
        }
        #expect(try scene.scratch.directory.removeTree("volume"))
        #expect(try scene.scratch.directory.names() == ["victim"])
    }

    /// A container that is still there swaps directories for links while they are removed.
    @Test func removalCannotBeLedAside() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let isOver = Atomic(false)
        let path = scene.volume.path
        let racer = Thread {
            while !isOver.load(ordering: .relaxed) {
                rename(path + "/a", path + "/aside")
                symlink(scene.victim.path, path + "/a")
                unlink(path + "/a")
                rename(path + "/aside", path + "/a")
            }
        }
        let root = try scene.scratch.directory
        for _ in 0..<200 {
            let volume = try root.make("volume")
            _ = try? volume.make("a/b/c")
            _ = try? volume.make("a/kept")
            root.removeTree("volume")
        }
        isOver.store(true, ordering: .relaxed)
        racer.join()
        #expect(try scene.isVictimWhole)
    }

    // MARK: What the pod gets

    @Test func volumesOfTheAPIAreReadOnlyAndClosed() async throws {
        let bench = Bench()
        defer { bench.directory.remove() }
        bench.client.put(.configMaps, ["metadata": ["name": "c", "namespace": "default"], "data": ["k": "1"]])
        bench.client.put(.secrets, ["metadata": ["name": "s", "namespace": "default"], "data": ["p": "MQ=="]])
        let mounts: Value = [
            ["name": "map", "mountPath": "/map"], ["name": "secret", "mountPath": "/secret"],
            ["name": "all", "mountPath": "/all"], ["name": "part", "mountPath": "/all/inner/deep"], ["name": "part", "mountPath": "/part"],
            ["name": "map", "mountPath": "/key", "subPath": "k"],
        ]
        let pod = pod([
            "containers": [["name": "web", "image": "web:1", "volumeMounts": mounts]],
            "volumes": [
                ["name": "map", "configMap": ["name": "c"]], ["name": "secret", "secret": ["secretName": "s"]],
                ["name": "all", "projected": ["sources": [["serviceAccountToken": ["path": "token"]]]]], ["name": "part", "emptyDir": [:]],
            ],
        ])
        let fields = bench.context.fields(pod, ips: [])
        let volumes = try await bench.context.volumes.setUp(pod, fields: fields)
        let made = try ContainerMounts(
            pod: pod, container: pod.containers[0], volumes: volumes, environment: [], configuration: bench.context.configuration,
            hasRecursiveReadOnly: false
        ).make(hostsFile: nil)
        let readOnly = Dictionary(uniqueKeysWithValues: made.map { ($0["container_path"].string ?? "", $0["readonly"].bool ?? false) })
        #expect(
            readOnly == [
                "/map": true, "/secret": true, "/all": true, "/all/inner/deep": false, "/part": false, "/key": true,
                "/dev/termination-log": false,
            ])
        // What is mounted inside a volume that nobody can write to has its place there.
        #expect(Files.isDirectory(try #require(volumes["all"]).path + "/inner/deep"))
        let root = bench.context.configuration.rootDirectory
        for closed in ["", "/pods", "/pods/uid-web", "/pods/uid-web/volumes", "/pods/uid-web/volumes/kubernetes.io~configmap"] {
            #expect(permissions(of: root + closed).map { $0 & 0o027 } == 0, "\(closed)")
        }
        for secret in ["kubernetes.io~secret", "kubernetes.io~projected"] {
            #expect(permissions(of: "\(root)/pods/uid-web/volumes/\(secret)") == 0o700)
        }
        let points = MountPoints.below(root).filter { !$0.contains("subpaths") }
        #expect(points.map { String($0.split(separator: "/").last ?? "") }.sorted() == ["all", "secret"])
        bench.context.volumes.tearDown(pod.uid)
        #expect(MountPoints.below(root).isEmpty && Files.status("\(root)/pods/uid-web") == nil)
    }

    @Test func subPathExpressionsNeedTheirVariables() throws {
        let scene = try Scene()
        defer { scene.scratch.remove() }
        let configuration = KubeletConfiguration(
            nodeName: "n", nodeAddresses: [], podCIDRs: [], rootDirectory: scene.scratch.path, podLogsDirectory: scene.scratch.path,
            version: "v1.36.0")
        let mount: Value = ["name": "v", "mountPath": "/v", "subPathExpr": "$(B)/$(NOPE)/$(A)/$(EMPTY)"]
        let container: Value = ["name": "web", "volumeMounts": [mount]]
        let mounts = ContainerMounts(
            pod: pod(), container: container, volumes: ["v": .init(path: scene.volume.path)],
            environment: [("A", "1"), ("B", "2"), ("EMPTY", "")],
            configuration: configuration, hasRecursiveReadOnly: false)
        let error = #expect(throws: ConfigurationError.self) { try mounts.make(hostsFile: nil) }
        #expect(error?.message == "missing value for EMPTY, NOPE")
    }
}
