/// What is to be done before a Pod is bound.
package struct BindNeeds: Sendable {
    package var volumes: [VolumeBinding] = []
    package var claims: [ClaimBinding] = []

    var isEmpty: Bool { volumes.isEmpty && claims.isEmpty }
}
