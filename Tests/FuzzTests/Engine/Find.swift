import Foundation

/// What ended a child process, or should have.
struct Find: Sendable {
    /// The name of the subject.
    var subject: String
    /// The smallest input that is known to do it.
    var input: [UInt8]
    /// The last that the process said.
    var reason: String
    /// Where in the project it happened, as far as the process could tell: two finds with the same place are one.
    var place: String

    /// Whether one cause is behind both, as far as can be told.
    func isSame(as other: Find) -> Bool {
        // Behind the colon is what it was found with.
        func sentence(_ find: Find) -> [Substring] { find.reason.split(separator: ": ").prefix(2).map(\.self) }
        return subject == other.subject && place == other.place && (!place.isEmpty || sentence(self) == sentence(other))
    }

    /// Ends this process, because something is wrong that is not a trap. The journal tells with what.
    static func report(_ what: String) -> Never {
        FileHandle.standardError.write(Data("FIND: \(what)\n".utf8))
        abort()
    }
}
