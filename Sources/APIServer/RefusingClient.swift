import APIModel
import Client

/// A client that may do nothing: every call throws the same refusal.
struct RefusingClient: PartialClient {
    let refusal: APIError
}
