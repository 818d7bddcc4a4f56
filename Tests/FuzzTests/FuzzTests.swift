import Foundation
import Testing

/// Whatever comes from outside: no trap, no hang, no hoard.
@Suite(.serialized)
struct FuzzTests {
    private static let finds = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Finds").path

    private static func record(_ find: Find) {
        let input = String(decoding: find.input.prefix(2_000), as: UTF8.self)
        Issue.record("\(find.subject): \(find.reason) at \(find.place), by \(input)")
    }

    /// With containerd for as long as it takes, where a subject wants it.
    private static func withRuntime(for subjects: [String], _ body: () async throws -> Void) async throws {
        guard subjects.contains(ClusterSubject.real.name) else { return try await body() }
        let runtime = RealRuntime()
        try await runtime.start()
        do {
            try await body()
        } catch {
            try? await runtime.end()
            throw error
        }
        try await runtime.end()
    }

    /// What is found is written to `Finds`, where it stays as a test once it is mended.
    @Test(arguments: Effort.current.stretches)
    func findsNothing(_ stretch: Effort.Stretch) async throws {
        try await Self.withRuntime(for: stretch.subjects) {
            let finds = try await Campaign(
                subjects: stretch.subjects, seed: Effort.current.seed, seconds: stretch.seconds, most: stretch.most, directory: Self.finds
            ).run()
            for find in finds { Self.record(find) }
        }
    }

    /// All that was found once.
    @Test func earlierFinds() async throws {
        var inputs: [ChildTask.Input] = []
        for subject in try FileManager.default.contentsOfDirectory(atPath: Self.finds).sorted() where !subject.hasPrefix(".") {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(Self.finds)/\(subject)").sorted() {
                inputs.append(
                    ChildTask.Input(subject: subject, bytes: try Data(contentsOf: URL(fileURLWithPath: "\(Self.finds)/\(subject)/\(name)")))
                )
            }
        }
        #expect(!inputs.isEmpty)
        try await Self.withRuntime(for: inputs.map(\.subject)) {
            let ended = try await ChildProcess.run(ChildTask(inputs: inputs, journal: ""), withBacktrace: true, limit: .seconds(300))
            if let ended {
                let (subject, input) = ended.inHand ?? ("", [])
                Self.record(Find(subject: subject, input: input, reason: ended.reason, place: ended.place))
            }
        }
    }
}
