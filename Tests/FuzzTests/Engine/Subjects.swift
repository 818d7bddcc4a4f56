/// Everything that is fuzzed.
enum Subjects {
    static let decoders: [Decoder] = [
        TextDecoders.all, WireDecoders.all, ConnectionDecoders.all, ServerDecoders.all, NodeDecoders.all, NameDecoders.all,
        LanguageDecoders.all,
    ].flatMap { $0 }

    static let all: [any Subject] = decoders + [ClusterSubject.hollow, ClusterSubject.real]

    static func named(_ name: String) throws -> any Subject {
        guard let subject = (all + BrokenSubjects.all).first(where: { $0.name == name }) else {
            throw FuzzError("there is no subject \(name)")
        }
        return subject
    }
}
