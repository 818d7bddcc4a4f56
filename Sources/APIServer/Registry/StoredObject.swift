import APIModel
import Store
import Synchronization

/// The memo that the API server attaches to a record: its decoded form, shared by selectors, read-modify-write and in-process clients.
///
/// A writer has the decoded form at hand before the revision is known, so the revision is put in by the first reader.
final class StoredObject: Sendable {
    private enum State {
        case written(Value)
        case object(Object)
        case none
    }
    private let state: Mutex<State>

    /// - Parameter value: what the bytes say, but for the resourceVersion.
    init(_ value: Value?) { state = Mutex(value.map(State.written) ?? .none) }

    /// What it holds, whose resourceVersion may not be known yet.
    var value: Value? {
        state.withLock { state in
            switch state {
            case .written(let value): value
            case .object(let object): object.value
            case .none: nil
            }
        }
    }

    func object(of record: Record) -> Object {
        state.withLock { state in
            switch state {
            case .object(let object): return object
            case .none:
                let object = Object(bytes: record.bytes)
                state = .object(object)
                return object
            case .written(var value):
                value["metadata"]["resourceVersion"] = .string(String(record.revision))
                let object = Object(bytes: record.bytes, value: value)
                state = .object(object)
                return object
            }
        }
    }
}

extension Record {
    /// The record as an object in the storage version, decoded at most once.
    var object: Object { memo { _ in StoredObject(nil) }.object(of: self) }
}

extension Body {
    /// Encodes an object for the store, keeping the decoded form for the readers that follow.
    init(_ object: Value) {
        let encoded = JSON.encodeForStore(object)
        self.init(bytes: encoded.bytes, resourceVersionOffset: encoded.resourceVersionOffset, memo: StoredObject(object))
    }

    /// How many bytes an object may have, as much as upstream's store takes in one request.
    private static let limit = 1_572_864

    /// - Throws: 413 for an object that a client made larger than one may be.
    init(checked object: Value) throws(APIError) {
        self.init(object)
        guard bytes.count <= Self.limit else {
            throw APIError(code: 413, reason: .requestEntityTooLarge, message: "Request entity too large: limit is \(Self.limit)")
        }
    }
}
