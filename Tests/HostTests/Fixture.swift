import Crypto
import Foundation
import Testing

/// Libraries with a proxy in them, compiled for one test.
enum Fixture {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    /// `cleanup` makes the file `cleaned`; `start` makes the file `begun` and returns when there is a file `open`: all in `directory`.
    private static let source = """
        #include "apus/apus.h"
        #include <fcntl.h>
        #include <unistd.h>
        static void touch(const char *path) { close(open(path, O_CREAT | O_WRONLY, 0600)); }
        static apus_status begin(void) {
            touch(DIRECTORY "/begun");
            while (access(DIRECTORY "/open", F_OK) != 0) usleep(1000);
            return APUS_OK;
        }
        static apus_status carry(void *self, const apus_services *wanted, const apus_sink *error) {
            (void)self, (void)wanted, (void)error;
            return APUS_OK;
        }
        static apus_status cleanup(void *self, const apus_sink *error) {
            (void)self, (void)error;
            touch(DIRECTORY "/cleaned");
            return APUS_OK;
        }
        static const apus_proxy proxy = {.size = sizeof proxy, .sync = carry, .cleanup = cleanup};
        #define EXTENSION APUS_PROXY
        #define TABLE &proxy
        #define START_STATUS begin()
        #include "fixture.h"

        """

    /// - Returns: the library's SHA-256.
    @discardableResult
    static func compile(_ library: String, in directory: String, version: String = "1.0.0") throws -> String {
        try Data(source.utf8).write(to: URL(filePath: "\(library).c"))
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-std=c11", "-D_DEFAULT_SOURCE", "-shared", "-fPIC", "-I\(root)/Sources/PluginAPI/include",
            "-I\(root)/Tests/Fixtures/plugins",
            "-DDIRECTORY=\"\(directory)\"", "-DVERSION=\"\(version)\"", "\(library).c", "-o", library,
        ]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        return SHA256.hash(data: try Data(contentsOf: URL(filePath: library))).map { String(format: "%02x", $0) }.joined()
    }
}
