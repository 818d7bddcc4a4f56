/// Which requests without credentials are taken as those of `system:anonymous`; authorization then decides about them. All others are refused.
public enum AnonymousAccess: Sendable, Equatable {
    case nowhere
    /// The paths of health and version, which are open to everyone.
    case healthAndVersion
    /// These paths, word for word.
    case at(Set<String>)
    case everywhere

    func admits(_ path: String) -> Bool {
        switch self {
        case .nowhere: false
        case .healthAndVersion: Endpoints.isPublic(path)
        case .at(let paths): paths.contains(path)
        case .everywhere: true
        }
    }
}
