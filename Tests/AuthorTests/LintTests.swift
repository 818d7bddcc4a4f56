import Foundation
import Testing

/// `apus plugin lint` finds one defect a library, names it in one line and fails.
@Suite(.serialized)
struct LintTests {
    private static let head = """
        #include "apus/apus.h"
        #include <stddef.h>
        static apus_status create(const apus_component *c, const apus_host *h, apus_borrowed g, void **s, const apus_sink *e) { (void)c, (void)h, (void)g, (void)s, (void)e; return 0; }
        static apus_status reconcile(void *s, const apus_key *k, int64_t *a, const apus_sink *e) { (void)s, (void)k, (void)a, (void)e; return 0; }

        """

    /// A controller library; each argument is where one defect goes.
    private static func source(
        major: String = "APUS_ABI_MAJOR", minor: String = "APUS_ABI_MINOR", table: String = ".reconcile = reconcile", extra: String = "",
        body: String = ""
    )
        -> String
    {
        head + """
            \(extra)
            static const apus_controller table = {.size = sizeof table, \(table)};
            static const apus_component component = {.size = sizeof component, .name = "tidy", .extension = APUS_CONTROLLER, .table = &table, .create = create};
            static const apus_component *const components[] = {&component};
            const apus_plugin *apus_plugin_entry(void) {
                static const apus_plugin plugin = {sizeof plugin, \(major), \(minor), "tidy", "1.2.3", components, 1};
                \(body)
                return &plugin;
            }
            """
    }

    private static let manifest = """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: tidy}
        spec:
          kind: Controller
          library: tidy.so
          component: tidy
          controller: {for: [v1/namespaces]}
          rules: [{apiGroups: [""], resources: [namespaces], verbs: [get, list, watch]}]
        """

    @Test func praisesWhatIsWell() throws {
        let bench = try Workbench()
        try bench.library("tidy", Self.source())
        try bench.write(Self.manifest, to: "tidy.yaml")
        let linted = try bench.apus("plugin", "lint", "tidy.so", "--manifest", "tidy.yaml")
        #expect(linted.status == 0)
        #expect(linted.lines == ["lint: ok: tidy.so is tidy 1.2.3, ABI 1.0, offers tidy (apus.controller/1)"])
    }

    @Test(arguments: [
        (
            source(extra: "int helper(void) { return 1; } int other;"),
            "exports helper, other beside apus_plugin_entry; hide all else with the linker's --version-script and the SDK's plugin.map"
        ),
        (head, "is not a plugin: it does not export apus_plugin_entry"),
        (
            source(extra: "int nowhere(void);", body: "if (nowhere()) return NULL;"),
            "nobody defines nowhere, which it uses; link it with what does, or compile what is missing into it"
        ),
        (source(major: "2"), "was built for plugin ABI 2.0, this host has 1.0"),
        (source(minor: "99"), "was built for plugin ABI 1.99, this host has 1.0"),
        (source(table: ".map = 0"), "component tidy lacks reconcile, which apus.controller/1 requires"),
        (source(table: ".size = 8, .reconcile = reconcile"), "the table of apus.controller/1 has 8 bytes, fewer than the 40 of ABI 1.0"),
        (source(body: "return NULL;"), "apus_plugin_entry returned null"),
        (
            source(body: "__builtin_trap();"),
            "ended the process that loaded it with signal 4: its constructors or apus_plugin_entry are at fault"
        ),
        (
            source(body: "for (;;) __asm__ volatile(\"\");"),
            "did not say within 10 s what it is: its constructors or apus_plugin_entry do not return"
        ),
    ])
    func findsADefect(source: String, message: String) throws {
        let bench = try Workbench()
        try bench.library("tidy", source)
        let linted = try bench.apus("plugin", "lint", "tidy.so")
        #expect(linted.status == 1)
        #expect(linted.lines.count == 1 && linted.text.hasPrefix("error: tidy.so") && linted.text.contains(message), "\(linted.text)")
    }

    @Test func findsALibraryThatIsMissing() throws {
        let bench = try Workbench()
        try bench.library("libgone", "int gone(void) { return 1; }")
        try bench.library("tidy", Self.source(extra: "int gone(void);", body: "if (gone() == 2) return NULL;"), "-L.", "-l:libgone.so")
        try FileManager.default.removeItem(at: bench.directory.appending(path: "libgone.so"))
        let linted = try bench.apus("plugin", "lint", "tidy.so")
        #expect(linted.status == 1)
        #expect(linted.lines == ["error: tidy.so: needs libgone.so, which is not to be found on this machine"])
    }

    @Test(arguments: [
        ("nothing.so", "cannot be read: No such file or directory"), ("text.so", "is not an ELF file"),
        ("object.so", "is no shared library (link it with -shared)"),
    ])
    func refusesWhatIsNoLibrary(file: String, message: String) throws {
        let bench = try Workbench()
        try bench.write(String(repeating: "no library\n", count: 20), to: "text.so")
        try bench.write("int a;", to: "a.c")
        #expect(try Workbench.run(["cc", "-c", "a.c", "-o", "object.so"], in: bench.directory).status == 0)
        let linted = try bench.apus("plugin", "lint", file)
        #expect(linted.status == 1)
        #expect(linted.lines == ["error: \(file): \(message)"])
    }

    @Test(arguments: [
        ("library: tidy.so", "library: other.so", "spec.library: says other.so, and the library is tidy.so"),
        ("component: tidy", "component: untidy", "spec.component: tidy.so has no component untidy; it offers tidy"),
        ("component: tidy", "component: tidy\n  abi: \"1.7\"", "spec.abi: wants 1.7, and tidy.so was built for 1.0"),
        (
            "component: tidy", "component: tidy\n  sha256: \(String(repeating: "ab", count: 32))",
            "spec.sha256: pins \(String(repeating: "ab", count: 32)), and tidy.so is "
        ),
        ("component: tidy", "component: tidy\n  colour: red", "spec.colour: unknown key"),
        (
            "kind: Controller\n  library: tidy.so\n  component: tidy\n  controller: {for: [v1/namespaces]}",
            "kind: Proxy\n  library: tidy.so\n  component: tidy",
            "spec.kind: says Proxy (apus.proxy/1), and component tidy of tidy.so is apus.controller/1"
        ),
    ])
    func findsAManifestThatDoesNotFit(text: String, wrong: String, message: String) throws {
        let bench = try Workbench()
        try bench.library("tidy", Self.source())
        try #require(Self.manifest.contains(text))
        try bench.write(Self.manifest.replacingOccurrences(of: text, with: wrong), to: "tidy.yaml")
        let linted = try bench.apus("plugin", "lint", "tidy.so", "--manifest", "tidy.yaml")
        #expect(linted.status == 1)
        #expect(linted.lines.count == 1 && linted.text.hasPrefix("error: tidy.yaml: ") && linted.text.contains(message), "\(linted.text)")
    }

    @Test func everyDefaultPluginIsWell() throws {
        let bench = try Workbench()
        let libraries = try FileManager.default.contentsOfDirectory(atPath: Workbench.products.path).filter {
            $0.hasPrefix("lib") && $0.hasSuffix(".so") && !$0.contains("XCTest")
        }
        try #require(libraries.count > 10)
        for library in libraries {
            let linted = try bench.apus("plugin", "lint", Workbench.products.appending(path: library).path)
            #expect(linted.status == 0, "\(linted.text)")
        }
    }

    @Test func installPrintsThePinnedObject() throws {
        let bench = try Workbench()
        try bench.library("tidy", Self.source())
        try bench.write(Self.manifest, to: "tidy.yaml")
        let sum = try Workbench.run(["sha256sum", "tidy.so"], in: bench.directory).text.prefix(64)
        let printed = try bench.apus("plugin", "install", "tidy.so", "tidy.yaml", "--dry-run")
        #expect(printed.status == 0)
        #expect(printed.lines.first == "apiVersion: plugins.apus.dev/v1alpha1")
        #expect(printed.lines.contains { $0.contains("sha256: ") && $0.contains(sum) }, "\(printed.text)")
        // What is printed can be read again.
        try bench.write(printed.text, to: "printed.yaml")
        #expect(try bench.apus("plugin", "install", "tidy.so", "printed.yaml", "--dry-run").text == printed.text)
    }

    @Test func installRefuses() throws {
        let bench = try Workbench()
        try bench.library("tidy", Self.source())
        try bench.library("loose", Self.source(extra: "int helper(void) { return 1; }"))
        try bench.write(Self.manifest, to: "tidy.yaml")
        try bench.write(Self.manifest.replacingOccurrences(of: "tidy.so", with: "loose.so"), to: "loose.yaml")
        try bench.write(Self.manifest + "\n---\n" + Self.manifest, to: "two.yaml")
        try bench.write("a: [", to: "broken.yaml")
        let target = ["--dir", ".", "--data-dir", bench.directory.appending(path: "data").path]
        for (words, message) in [
            (["loose.so", "loose.yaml"], "loose.so: exports helper beside apus_plugin_entry"),
            (["tidy.so", "two.yaml"], "two.yaml has 2 documents; it must have one, the plugin's manifest"),
            (["tidy.so", "broken.yaml"], "broken.yaml is not YAML: "), (["tidy.so", "none.yaml"], "none.yaml cannot be read"),
            (
                ["tidy.so", "tidy.yaml"],
                "there is no \(bench.directory.path)/data/admin.kubeconfig: start a cluster with `apus up`, or name its file with --kubeconfig"
            ),
        ] {
            let refused = try Workbench.run([Workbench.executable, "plugin", "install"] + words + target, in: bench.directory)
            #expect(refused.status == 1)
            #expect(refused.lines.count == 1 && refused.text.hasPrefix("error: \(message)"), "\(refused.text)")
        }
        let diff = try bench.apus("plugin", "diff", "tidy", "--data-dir", "nowhere")
        #expect(diff.status == 1 && diff.lines.count == 1 && diff.text.hasSuffix("name its file with --kubeconfig\n"), "\(diff.text)")
    }
}
