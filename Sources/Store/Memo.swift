import Synchronization

/// What readers derive from an immutable value and share: one of each type.
final class Memo: Sendable {
    private struct Form {
        let type: ObjectIdentifier
        let value: any AnyObject & Sendable

        init(_ value: any AnyObject & Sendable) {
            type = ObjectIdentifier(Swift.type(of: value as AnyObject))
            self.value = value
        }
    }

    /// Most have one form, which needs no array.
    private struct Forms {
        var first: Form?
        var others: [Form] = []

        func find(_ type: ObjectIdentifier) -> Form? { first?.type == type ? first : others.first { $0.type == type } }

        mutating func add(_ form: Form) {
            if first == nil { first = form } else { others.append(form) }
        }
    }

    private let forms: Mutex<Forms>

    init(_ value: (any AnyObject & Sendable)? = nil) { forms = Mutex(Forms(first: value.map(Form.init))) }

    /// The form of type `T`. `make` runs, with the memo locked, when there is none yet: it must not ask for the same memo.
    func value<T: AnyObject & Sendable>(_ make: () -> T) -> T {
        forms.withLock { forms in
            // The exact type is the rule; a dynamic cast costs several times more.
            if let form = forms.find(ObjectIdentifier(T.self)) { return unsafeDowncast(form.value, to: T.self) }
            let value = make()
            forms.add(Form(value))
            return value
        }
    }

    /// Lets go of all forms. Readers keep what they hold.
    func drop() { forms.withLock { $0 = Forms() } }
}
