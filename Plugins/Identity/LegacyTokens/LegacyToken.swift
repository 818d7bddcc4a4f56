internal import APIModel

/// A token of a ServiceAccount that lies in a Secret. No clock, no API.
struct LegacyToken {
    static let invalidSince = "kubernetes.io/legacy-token-invalid-since"
    static let accountField = "metadata.annotations['kubernetes.io/service-account.name']"
    private static let lastUsed = "kubernetes.io/legacy-token-last-used"
    private static let accountUID = "kubernetes.io/service-account.uid"
    private static let type = "kubernetes.io/service-account-token"

    enum Step: Equatable {
        case keep
        /// Nobody may use it from this day on.
        case mark(String)
        case delete
    }

    let secret: Value

    var name: String { secret["metadata"]["name"].string ?? "" }

    /// Midnight in seconds since 1970 of `2026-11-27`, `nil` for what is no date.
    static func day(_ text: String) -> Whole? { text.utf8.count == 10 ? Timestamp.parse("\(text)T00:00:00Z")?.seconds : nil }

    private static func date(_ time: Whole) -> String { String(Timestamp.format(seconds: time).prefix(10)) }

    func belongs(to account: Value) -> Bool {
        let uid = secret["metadata"]["annotations"][Self.accountUID]
        return uid.isEmpty || uid == account["metadata"]["uid"]
    }

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - patience: for how many seconds it may go unused, and then stay marked.
    func step(now: Whole, patience: Whole) -> Step {
        let metadata = secret["metadata"]
        guard secret["type"].string == Self.type, metadata["deletionTimestamp"].isNull,
            let created = metadata["creationTimestamp"].time, created < now - patience
        else { return .keep }
        let bound = Self.date(now - patience)
        // A day that is none says nothing.
        if let used = metadata["labels"][Self.lastUsed].string, Self.day(used) == nil || used >= bound { return .keep }
        guard let since = metadata["labels"][Self.invalidSince].string, Self.day(since) != nil else { return .mark(Self.date(now)) }
        return since >= bound ? .keep : .delete
    }
}
