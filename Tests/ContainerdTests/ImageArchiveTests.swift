import APIModel
import FileSystem
import Glibc
import Testing

@testable import Containerd

@Suite struct ImageArchiveTests {
    private func hello() throws -> ImageArchive {
        var archive = try ImageArchive(name: "apus.local/hello:1", process: .init(entrypoint: ["/bin/hello"]))
        try archive.add(file: "bin/hello", Array("#!/bin/sh\n".utf8), mode: 0o755)
        try archive.add(link: "bin/hi", to: "hello")
        return archive
    }

    @Test func sameContentGivesTheSameBytes() throws {
        #expect(try hello().encoded() == hello().encoded())
    }

    @Test func readsWhatItWrote() throws {
        let scratch = Scratch()
        let file = scratch.path + "/hello.tar"
        try hello().write(to: file)
        let contents = try ImageArchiveContents(file: file, name: nil)
        #expect(contents.names == ["apus.local/hello:1"])
        #expect(contents.namedIndex == nil)
        let tar = try TarReader(path: file)
        let index = try JSON.decode(try #require(tar.content("index.json")))
        let manifest = try JSON.decode(try #require(tar.content(blob(index["manifests"][0]["digest"]))))
        let configuration = try JSON.decode(try #require(tar.content(blob(manifest["config"]["digest"]))))
        let layer = try #require(tar.content(blob(manifest["layers"][0]["digest"])))
        #expect(configuration["rootfs"]["diff_ids"][0].string == digest(layer))
        #expect(configuration["config"]["Entrypoint"] == ["/bin/hello"])
        let files = try TarReader(path: try scratch.write("layer.tar", layer))
        #expect(files.content("bin/hello") == Array("#!/bin/sh\n".utf8))
    }

    private func blob(_ digest: Value) -> String { "blobs/sha256/" + (digest.string?.dropFirst(7) ?? "") }

    @Test func anotherNameIsPutIn() throws {
        let scratch = Scratch()
        let (file, renamed) = (scratch.path + "/hello.tar", scratch.path + "/renamed.tar")
        try hello().write(to: file)
        let contents = try ImageArchiveContents(file: file, name: "other")
        #expect(contents.names == ["docker.io/library/other:latest"])
        try contents.copy(to: renamed, replacing: try #require(contents.namedIndex))
        #expect(try ImageArchiveContents(file: renamed, name: nil).names == ["docker.io/library/other:latest"])
    }

    @Test func treesAreTakenInTheOrderOfTheirNames() throws {
        let scratch = Scratch()
        try Files.makeDirectory(scratch.path + "/root/b/c", mode: 0o711)
        _ = try scratch.write("root/b/c/file", [1])
        _ = try scratch.write("root/a", [2])
        symlink("a", scratch.path + "/root/z")
        var one = try ImageArchive(name: "x", process: .init())
        try one.add(contentsOf: scratch.path + "/root")
        var other = try ImageArchive(name: "x", process: .init())
        try other.add(file: "a", [2], mode: 0o600)
        try other.add(file: "b/c/file", [1], mode: 0o600)
        try other.add(link: "z", to: "a")
        #expect(one.name == "docker.io/library/x:latest")
        // The directories' own permissions stay: here they are not the usual ones.
        #expect(one.layerDigest != other.layerDigest)
        chmod(scratch.path + "/root/b", 0o755)
        chmod(scratch.path + "/root/b/c", 0o755)
        var again = try ImageArchive(name: "x", process: .init())
        try again.add(contentsOf: scratch.path + "/root")
        #expect(again.layerDigest == other.layerDigest)
    }

    @Test(arguments: [
        ("text", "is not a tar archive"), ("gzip", "is compressed with gzip: decompress it first"), ("empty", "is not a tar archive"),
        ("cut", "is cut off: it ends within a"),
        ("foreign", "is neither an OCI layout (no index.json) nor a docker archive (no manifest.json)"),
        ("unnamed", "the OCI layout does not name its image; give the name to load it under"),
        ("untagged", "the docker archive does not name its image"),
        ("incomplete", "the OCI layout lacks blobs/sha256/00"), ("broken", "index.json of the OCI layout is missing or lists no manifest"),
    ])
    func badFilesAreRefusedWithTheReason(_ kind: String, _ reason: String) throws {
        let scratch = Scratch()
        func tar(_ files: [(String, String)]) throws -> [UInt8] {
            var writer = TarWriter()
            for (name, text) in files { try writer.add(name, .file, mode: 0o644, content: Array(text.utf8)) }
            return writer.finished()
        }
        let bytes: [UInt8] =
            switch kind {
            case "text": Array(repeating: UInt8(ascii: "x"), count: 2000)
            case "gzip": [0x1f, 0x8b] + [UInt8](repeating: 0, count: 1000)
            case "empty": []
            case "cut": Array(try hello().encoded().prefix(1100))
            case "foreign": try tar([("readme", "hello")])
            case "unnamed": try tar([("index.json", #"{"manifests":[{"digest":"sha256:00"}]}"#)])
            case "untagged": try tar([("manifest.json", #"[{"Config":"c.json","RepoTags":null,"Layers":[]}]"#)])
            case "incomplete":
                try tar([("index.json", #"{"manifests":[{"digest":"sha256:00","annotations":{"io.containerd.image.name":"a/b:1"}}]}"#)])
            default: try tar([("index.json", "{")])
            }
        let file = try scratch.write("image.tar", bytes)
        let error = #expect(throws: ContainerdError.self) { try ImageArchiveContents(file: file, name: nil) }
        #expect(error?.code == .badArchive)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(file) == true)
    }

    @Test(arguments: [
        ("hello", "docker.io/library/hello:latest"), ("me/hello:2", "docker.io/me/hello:2"), ("apus.local/hello:1", "apus.local/hello:1"),
        ("localhost/x", "localhost/x:latest"), ("host:5000/a/b:c", "host:5000/a/b:c"),
    ])
    func namesAreMadeFull(_ typed: String, _ full: String) throws {
        #expect(try ImageName.normalized(typed) == full)
    }

    @Test(arguments: ["", "a b", "UPPER/Case", "/x", "x/", "x//y", ":1", "0/:/9", "a/@b"]) func badNamesAreRefused(_ name: String) {
        #expect(throws: ContainerdError.self) { try ImageName.normalized(name) }
    }

    @Test func longPathsAreDividedOrRefused() throws {
        let scratch = Scratch()
        var writer = TarWriter()
        let path = String(repeating: "d/", count: 60) + "file"
        try writer.add(path, .file, mode: 0o644, content: [7])
        #expect(try TarReader(path: try scratch.write("t.tar", writer.finished())).content(path) == [7])
        #expect(throws: ContainerdError.self) { try writer.add(String(repeating: "x", count: 101), .file, mode: 0o644) }
    }
}
