/// An API that is never there: for plugins that have no business with it.
public struct NoAPI: PartialClient {
    public init() {}
}
