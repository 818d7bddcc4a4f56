import APIModel
import Client
import Synchronization

/// The Node of this machine as the API has it; until it is there, as it is going to be registered. Safe from any task.
final class OwnNode: Sendable {
    private let name: String
    private let client: any Client
    private let newest: Mutex<Value>

    init(name: String, initial: Value, client: any Client) {
        self.name = name
        self.client = client
        newest = Mutex(initial)
    }

    var value: Value { newest.withLock { $0 } }

    /// The API has another now.
    func note(_ object: Object) { newest.withLock { $0 = object.value } }

    /// Asks the API itself, for when a watch may lag behind. Without an answer it is as it was.
    func refresh() async -> Value {
        guard let object = try? await client.get(.nodes, name: name) else { return value }
        note(object)
        return object.value
    }
}
