import APIModel
import HTTPServer

/// What can be done to a resource, in the words of authorization and discovery.
enum Verb: String, Sendable {
    case get, list, watch, create, update, patch, delete, deletecollection

    var isOfCollection: Bool { self == .list || self == .watch || self == .deletecollection }
}

/// One request for a resource, read, resolved and authorized, whether it came over HTTPS or from a loop of this process.
struct Call: Sendable {
    enum Input: Sendable {
        case none
        case object(Value)
        case patch(ObjectPatch)
        case query(ListQuery)
        case deletion(DeleteOptions)
        case deletions(ListQuery, DeleteOptions)
        /// A conversation with somebody else, which HTTP alone can carry.
        case connection(Request, RequestInfo)
    }

    var verb: Verb
    var target: Target
    var input: Input
    var context: WriteContext

    var registry: Registry { context.registry }

    /// The object that was sent. What sends none where one is needed gets a 400.
    var object: Value {
        get throws {
            guard case .object(let object) = input else { throw APIError.badRequest("an object is expected in the request's body") }
            return object
        }
    }
}
