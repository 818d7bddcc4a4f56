public import APIModel

/// The keys that were in hand when the process ended, or a plugin's own process did: how often, and which are put aside for it.
///
/// A value that knows no clock and no files.
public struct Suspects: Sendable, Equatable {
    public struct Suspect: Sendable, Equatable {
        public var key: InHand.Key
        /// When it was in hand, in seconds since 1970, the newest last.
        public var crashes: [Whole]
        /// What happened the last time.
        public var reason: String
        /// Of the object that is passed over; `nil` as long as nobody came across it since it is.
        public var fingerprint: String?

        public init(key: InHand.Key, crashes: [Whole], reason: String, fingerprint: String? = nil) {
            self.key = key
            self.crashes = crashes
            self.reason = reason
            self.fingerprint = fingerprint
        }

        /// Whether it is passed over.
        public var isPutAside: Bool { crashes.count >= Suspects.limit }
    }

    /// So often a key is in hand at a crash, within `memory`, and then no more.
    public static let limit = 2
    /// For how long a crash counts that was not followed by another one with the same key in hand.
    public static let memory: Whole = 3600

    /// In the order in which they were first in hand.
    public private(set) var all: [Suspect]

    public init(_ all: [Suspect] = []) { self.all = all }

    public var putAside: [Suspect] { all.filter(\.isPutAside) }

    /// A crash with `key` in hand. Returns the suspect as it is now.
    @discardableResult
    public mutating func note(_ key: InHand.Key, at time: Whole, reason: String) -> Suspect {
        all.removeAll { !$0.isPutAside && $0.crashes.allSatisfy { time - $0 > Self.memory } }
        var suspect = all.first { $0.key.isSame(as: key) } ?? Suspect(key: key, crashes: [], reason: reason)
        let index = all.firstIndex { $0.key.isSame(as: key) } ?? all.endIndex
        suspect.key = key
        suspect.reason = reason
        suspect.crashes = suspect.crashes.filter { suspect.isPutAside || time - $0 <= Self.memory } + [time]
        if index == all.endIndex { all.append(suspect) } else { all[index] = suspect }
        return suspect
    }

    /// Forgets the ones that `isMeant`, and returns them.
    public mutating func release(_ isMeant: (Suspect) -> Bool) -> [Suspect] {
        let released = all.filter(isMeant)
        all.removeAll(where: isMeant)
        return released
    }

    /// What somebody who is about to turn to an object is told.
    public enum Answer: Sendable, Equatable {
        case free
        /// It is to be passed over.
        case held
        /// It is to be passed over, and is known from now on as what it is.
        case heldAndSeen
        /// It was to be passed over, and is another object by now.
        case changed
    }

    /// - Parameter fingerprint: of the object as it is now.
    public mutating func ask(_ key: InHand.Key, fingerprint: () -> String) -> Answer {
        guard let index = all.firstIndex(where: { $0.key.isSame(as: key) && $0.isPutAside }) else { return .free }
        let now = fingerprint()
        switch all[index].fingerprint {
        case now: return .held
        case nil:
            all[index].fingerprint = now
            return .heldAndSeen
        default:
            all.remove(at: index)
            return .changed
        }
    }

    /// Of what people make of an object; what the loops tell of it, its status, is not a part of it. One that is not there has one, too.
    public static func fingerprint(_ object: Object?) -> String {
        guard var value = object?.value else { return "none" }
        value["status"] = .null
        for field in ["resourceVersion", "generation", "managedFields"] { value["metadata"][field] = .null }
        // FNV-1a: nobody gains from two objects that look alike.
        let hash = JSON.encode(value).reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

extension InHand.Key {
    /// Whether the other means the same work on an object of that name; which one it was is the fingerprint's to tell.
    public func isSame(as other: InHand.Key) -> Bool {
        name == other.name && namespace == other.namespace && resource == other.resource && loop == other.loop && part == other.part
    }
}
