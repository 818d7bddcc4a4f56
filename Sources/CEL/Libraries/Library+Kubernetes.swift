extension Library {
    /// What every environment of Kubernetes 1.36 has, in upstream's order: it decides which of several fitting overloads comes first.
    public static let kubernetes: [Library] = [
        .standard, .urls, .regex, .lists, .authorizer, .optionals, .quantity, .strings, .sets, .ip, .cidr, .format, .authorizerSelectors,
        .twoVariableComprehensions, .semver, .extendedLists,
    ]
}

extension CELType {
    static let url = CELType.object("kubernetes.URL")
    static let quantity = CELType.object("kubernetes.Quantity")
    static let semver = CELType.object("kubernetes.Semver")
    static let namedFormat = CELType.object("kubernetes.NamedFormat")
    static let ip = CELType.opaque("net.IP", [])
    static let cidr = CELType.opaque("net.CIDR", [])
    /// Who may do what.
    public static let authorizer = CELType.object("kubernetes.authorization.Authorizer")
    static let pathCheck = CELType.object("kubernetes.authorization.PathCheck")
    static let groupCheck = CELType.object("kubernetes.authorization.GroupCheck")
    /// A resource that access is asked for.
    public static let resourceCheck = CELType.object("kubernetes.authorization.ResourceCheck")
    static let decision = CELType.object("kubernetes.authorization.Decision")

    static let listOfStrings = CELType.list(.string)
}
