import Foundation
import Testing

@testable import ELF

/// Reads libraries that a C compiler makes for the purpose.
@Suite struct ELFFileTests {
    private let library: [UInt8]
    private let path: String

    init() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "elf-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let source = """
            extern int wanted(void);
            extern int perhaps(void) __attribute__((weak));
            int offered(void) { return wanted() + (perhaps ? perhaps() : 0); }
            __attribute__((weak)) int gives_way(void) { return 1; }
            __attribute__((visibility("hidden"))) int hidden(void) { return 2; }
            static int own(void) { return 3; }
            int (*use_own)(void) = own;
            """
        try source.write(toFile: "\(directory)/a.c", atomically: true, encoding: .utf8)
        path = "\(directory)/liba.so"
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/cc")
        compiler.arguments = [
            "-shared", "-fPIC", "-Wl,-rpath,$ORIGIN/lib:/opt/lib", "\(directory)/a.c", "-o", path, "-Wl,--no-as-needed", "-lm",
        ]
        try compiler.run()
        compiler.waitUntilExit()
        library = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(try ELFFile(path: path).symbols == ELFFile(library).symbols)
    }

    @Test func readsWhatTheLinkerSees() throws {
        let file = try ELFFile(library)
        #expect(file.kind == .library)
        #expect(file.needed.contains("libm.so.6") && file.needed.contains("libc.so.6"))
        #expect(file.searchPath == ["$ORIGIN/lib", "/opt/lib"])
        let symbols = Dictionary(uniqueKeysWithValues: file.symbols.map { ($0.name, $0) })
        #expect(symbols["offered"] == ELFFile.Symbol(name: "offered", isDefined: true, isWeak: false))
        #expect(symbols["gives_way"] == ELFFile.Symbol(name: "gives_way", isDefined: true, isWeak: true))
        #expect(symbols["wanted"] == ELFFile.Symbol(name: "wanted", isDefined: false, isWeak: false))
        #expect(symbols["perhaps"] == ELFFile.Symbol(name: "perhaps", isDefined: false, isWeak: true))
        #expect(symbols["hidden"] == nil && symbols["own"] == nil)
    }

    @Test func findsWhatTheSystemOffers() throws {
        let closure = LibrarySearch().closure(of: path, try ELFFile(library))
        #expect(closure.missing.isEmpty)
        #expect(closure.symbols.isSuperset(of: ["offered", "printf", "cos"]))
        #expect(!closure.symbols.contains("wanted"))
    }

    @Test func saysWhichLibraryIsMissing() throws {
        var bytes = library
        let name = Array("libm.so.6".utf8)
        let place = try #require((0..<bytes.count - name.count).first { Array(bytes[$0..<$0 + name.count]) == name })
        bytes.replaceSubrange(place..<place + name.count, with: "libq.so.6".utf8)
        #expect(LibrarySearch().closure(of: path, try ELFFile(bytes)).missing == ["libq.so.6"])
    }

    @Test(
        arguments: [
            ([], "is not an ELF file"), (Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 0, count: 100), "is not an ELF file"),
            ([0x7f, 0x45, 0x4c, 0x46, 1, 1] + [UInt8](repeating: 0, count: 100), "is not a 64-bit little-endian ELF file"),
            ([0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0, count: 100), "is an ELF file of an unknown type"),
        ] as [([UInt8], String)])
    func refusesWhatIsNone(_ bytes: [UInt8], _ message: String) {
        #expect(throws: ELFError(message)) { try ELFFile(bytes) }
    }

    @Test func refusesWhatIsNoFile() {
        #expect(throws: ELFError("cannot be read: No such file or directory")) { try ELFFile(path: "/nowhere") }
        #expect(throws: ELFError("is not a regular file")) { try ELFFile(path: "/tmp") }
    }

    @Test func refusesEveryShorterFile() {
        for count in stride(from: 0, to: library.count, by: 37) {
            #expect(throws: ELFError.self) { try ELFFile(Array(library[..<count])) }
        }
    }

    /// Any bytes give an answer or an error, never a trap.
    @Test func survivesDamage() throws {
        var random = SplitMix(state: 1)
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = library
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                // Most damage goes where numbers are: the header, and the section table at the end.
                let range = [0..<64, bytes.count - 64 * 32..<bytes.count, 0..<bytes.count].randomElement(using: &random)!
                bytes[Int.random(in: range, using: &random)] = [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random)!
            }
            do { _ = try ELFFile(bytes) } catch { refused += 1 }
        }
        #expect(refused > 1000)
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
