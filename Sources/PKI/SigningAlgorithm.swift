/// How tokens are signed, by JOSE's names. Whatever is not here, `none` and shared secrets for two, signs nothing.
public enum SigningAlgorithm: String, CaseIterable, Sendable {
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
}
