import FileSystem
import Glibc
import Testing

@testable import Containerd

@Suite struct PauseImageTests {
    private func start() throws -> (child: Child, scratch: Scratch) {
        let scratch = Scratch()
        let file = scratch.path + "/pause"
        try Files.replace(file, PauseImage.executable(), mode: 0o755)
        return (try Child.start([file], environment: [], output: 2, newSession: false), scratch)
    }

    @Test(arguments: [SIGTERM, SIGINT]) func endsWhenAsked(_ signal: Int32) throws {
        let (child, scratch) = try start()
        defer { withExtendedLifetime(scratch) {} }
        // A signal that comes before the program has blocked it ends it, too, only not with 0. It sleeps once it waits for signals.
        let deadline = ContinuousClock.now + .seconds(5)
        while Files.text("/proc/\(child.pid)/stat")?.contains(") S ") == false, ContinuousClock.now < deadline { usleep(1000) }
        child.signal(signal)
        #expect(child.reap() == 0)
    }

    @Test func isSmallAndAlwaysTheSame() throws {
        #expect(PauseImage.executable().count < 2048)
        #expect(try PauseImage.archive().encoded() == PauseImage.archive().encoded())
        #expect(PauseImage.name.wholeMatch(of: #/apus\.local/pause:[0-9a-f]{12}/#) != nil)
    }
}
