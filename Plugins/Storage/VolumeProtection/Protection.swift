internal import APIModel

/// A finalizer that keeps an object as long as somebody needs it. No clock, no API.
enum Protection {
    enum Step: Equatable { case nothing, add, removeWhenUnused }

    static func step(_ object: Value, _ finalizer: String) -> Step {
        let isProtected = object["metadata"]["finalizers"].elements.contains(.string(finalizer))
        let isGoing = !object["metadata"]["deletionTimestamp"].isNull
        if isGoing { return isProtected ? .removeWhenUnused : .nothing }
        return isProtected ? .nothing : .add
    }

    /// The object with the finalizer where it had none, without it where it had it.
    static func toggled(_ object: Value, _ finalizer: String) -> Value {
        let before = object["metadata"]["finalizers"].elements
        let rest = before.filter { $0.string != finalizer }
        var object = object
        object["metadata"]["finalizers"] = .array(rest.count == before.count ? rest + [.string(finalizer)] : rest)
        return object
    }
}
