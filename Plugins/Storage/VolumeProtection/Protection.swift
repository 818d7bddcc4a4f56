internal import APIModel

/// A finalizer that keeps an object as long as somebody needs it. No clock, no API.
enum Protection {
    /// The object with the finalizer, or without it when it goes and nobody needs it any more; `nil` where it is as it should be.
    static func settled(_ object: Value, _ finalizer: String, isUsed: () throws -> Bool) rethrows -> Value? {
        let before = object["metadata"]["finalizers"].elements
        let rest = before.filter { $0.string != finalizer }
        let isProtected = rest.count < before.count
        let isGoing = !object["metadata"]["deletionTimestamp"].isNull
        guard isGoing == isProtected, try !isGoing || !isUsed() else { return nil }
        var object = object
        object["metadata"]["finalizers"] = .array(isGoing ? rest : before + [.string(finalizer)])
        return object
    }
}
