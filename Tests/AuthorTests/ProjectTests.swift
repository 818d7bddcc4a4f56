import Foundation
import Testing

/// `apus plugin new` writes projects that build into one library and pass their own tests.
@Suite(.serialized)
struct ProjectTests {
    static let kinds = ["controller", "scheduler-policy", "runtime", "proxy", "admission"]

    @Test(arguments: kinds, ["c", "swift"])
    func aNewProjectBuildsAndPasses(kind: String, language: String) throws {
        let bench = try Workbench()
        let made = try bench.apus("plugin", "new", "my-first", "--kind", kind, "--language", language)
        #expect(made.status == 0)
        #expect(made.lines == ["wrote my-first: next, type `cd my-first && make test`"])

        let built = try bench.make("my-first")
        #expect(built.status == 0, "\(built.text)")
        let files = try FileManager.default.contentsOfDirectory(atPath: bench.directory.appending(path: "my-first").path).sorted()
        let sources =
            language == "c" ? ["plugin.c", "test.c"] : ["Plugin.swift", "Test.swift"] + (kind == "proxy" ? ["module.modulemap"] : [])
        #expect(Set(files) == Set([".gitignore", "Makefile", "README.md", "libmy-first.so", "my-first.yaml"] + sources))
        for file in files where file != "libmy-first.so" {
            #expect(try !bench.read("my-first/\(file)").contains("{{"), "\(file) was not filled in")
        }

        let tested = try bench.make("my-first", "test")
        #expect(tested.status == 0, "\(tested.text)")
        #expect(tested.lines.contains("test: ok"))
        #expect(
            tested.lines.contains { $0.hasPrefix("lint: ok: libmy-first.so is my-first 0.1.0, ABI 1.0, offers my-first (apus.\(kind)/1)") },
            "\(tested.text)")
        #expect(tested.lines.last?.contains(" passed, 0 failed, ") == true, "\(tested.text)")
    }

    /// A test that cannot fail is none.
    @Test(arguments: [
        ("scheduler-policy", "c", "plugin.c", "#define RESERVE 10", "#define RESERVE 2"),
        ("controller", "c", "plugin.c", "is_done) return status", "is_done && 0) return status"),
        ("controller", "swift", "Plugin.swift", "reason == .notFound", "reason == .gone || true"),
        ("runtime", "c", "plugin.c", "(uint64_t)field << 3 | 2", "(uint64_t)field << 3"),
        ("scheduler-policy", "swift", "Plugin.swift", "reserve: Int64 = 10", "reserve: Int64 = 2"),
        ("proxy", "c", "plugin.c", "numgen random mod", "numgen inc mod"),
        ("admission", "c", "plugin.c", "return APUS_DENIED", "return APUS_OK"),
        ("admission", "swift", "Plugin.swift", "guard request.operation != .delete", "guard request.operation != .connect"),
    ])
    func aProjectThatIsWrongFails(kind: String, language: String, file: String, text: String, wrong: String) throws {
        let bench = try Workbench()
        #expect(try bench.apus("plugin", "new", "wrong", "--kind", kind, "--language", language).status == 0)
        let source = try bench.read("wrong/\(file)")
        try #require(source.contains(text))
        try bench.write(source.replacingOccurrences(of: text, with: wrong), to: "wrong/\(file)")
        let tested = try bench.make("wrong", "test")
        #expect(tested.status != 0, "\(tested.text)")
    }

    @Test(arguments: [
        (
            ["Big", "--kind", "proxy", "--language", "c"],
            "\"Big\" is no name for a plugin: it must be a DNS label, at most 63 of a-z, 0-9 and -, with no - at either end"
        ),
        (
            ["../up", "--kind", "proxy", "--language", "c"],
            "\"../up\" is no name for a plugin: it must be a DNS label, at most 63 of a-z, 0-9 and -, with no - at either end"
        ),
        (
            ["", "--kind", "proxy", "--language", "c"],
            "\"\" is no name for a plugin: it must be a DNS label, at most 63 of a-z, 0-9 and -, with no - at either end"
        ),
        (
            ["a-", "--kind", "proxy", "--language", "c"],
            "\"a-\" is no name for a plugin: it must be a DNS label, at most 63 of a-z, 0-9 and -, with no - at either end"
        ),
        (
            ["a", "--kind", "scheduler", "--language", "c"],
            "there is no kind \"scheduler\": it must be one of controller, scheduler-policy, runtime, proxy, admission"
        ),
        (["a", "--kind", "proxy", "--language", "go"], "there is no language \"go\": it must be one of c, swift"),
        (["a", "--language", "c"], "say what the plugin is with --kind: one of controller, scheduler-policy, runtime, proxy, admission"),
        (["a", "--kind", "proxy"], "say what it is written in with --language: one of c, swift"),
        (["there", "--kind", "proxy", "--language", "c"], "there is there already: choose another name, or remove it"),
    ])
    func refusesInOneLine(arguments: [String], message: String) throws {
        let bench = try Workbench()
        try FileManager.default.createDirectory(at: bench.directory.appending(path: "there"), withIntermediateDirectories: true)
        let refused = try Workbench.run([Workbench.executable, "plugin", "new"] + arguments, in: bench.directory)
        #expect(refused.status == 1)
        #expect(refused.lines == ["error: \(message)"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.directory.path) == ["there"], "nothing was written")
    }

    /// The kit is whole where `make install` puts it.
    @Test func anInstalledKitWorks() throws {
        let bench = try Workbench()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let prefix = bench.directory.appending(path: "prefix").path
        let installed = try Workbench.run(["\(root.path)/scripts/install", prefix, Workbench.products.lastPathComponent], in: root)
        #expect(installed.lines == ["installed \(prefix)/bin/apus"], "\(installed.text)")

        #expect(try Workbench.run(["\(prefix)/bin/apus", "plugin", "sdk"], in: bench.directory).lines == ["\(prefix)/share/apus/sdk"])
        let made = try Workbench.run(
            ["\(prefix)/bin/apus", "plugin", "new", "away", "--kind", "controller", "--language", "swift"], in: bench.directory)
        #expect(made.status == 0, "\(made.text)")
        let tested = try bench.make("away", "test")
        #expect(tested.status == 0, "\(tested.text)")
        #expect(!tested.text.contains(Workbench.products.path), "an installed kit uses nothing of the checkout")
    }

    @Test func saysWhereTheSDKIs() throws {
        let bench = try Workbench()
        let said = try bench.apus("plugin", "sdk")
        #expect(said.status == 0 && said.lines.count == 1)
        for file in ["plugin.mk", "plugin.map", "include/apus/apus.h", "swift/PluginKit.swiftmodule", "lib/libapus-plugin-kit.a"] {
            #expect(FileManager.default.fileExists(atPath: "\(said.lines[0])/\(file)"), "\(file)")
        }
    }
}
