internal import OrderedCollections
internal import Testing

@testable import APIModel

/// The document that old `kubectl` reads, taken apart by the numbers of its schema.
struct OpenAPIProtobufTests {
    private struct Truncated: Error {}

    /// The length-delimited fields of a message: all that this document uses.
    private func fields(_ bytes: ArraySlice<UInt8>) throws -> [(number: UInt64, content: ArraySlice<UInt8>)] {
        var rest = bytes
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard let byte = rest.popFirst() else { throw Truncated() }
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { break }
            }
            return value
        }
        var all: [(number: UInt64, content: ArraySlice<UInt8>)] = []
        while !rest.isEmpty {
            let tag = try varint()
            try #require(tag & 7 == 2)
            let count = Int(try varint())
            try #require(count <= rest.count)
            all.append((tag >> 3, rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return all
    }

    private func text(_ bytes: ArraySlice<UInt8>?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    @Test func everyDefinitionIsThere() throws {
        let document = try fields(OpenAPI.protobuf(OpenAPI.v2(kinds: .builtin))[...])
        #expect(text(document.first { $0.number == 1 }?.content) == "2.0")
        let definitions = try fields(#require(document.first { $0.number == 9 }).content).map { try fields($0.content) }
        let names = definitions.map { text($0.first { $0.number == 1 }?.content) }
        #expect(Set(names) == Set(OpenAPI.v2(kinds: .builtin)["definitions"].fields.keys))

        // A definition in full: its required fields, its properties and the kind it is.
        let index = try #require(names.firstIndex(of: "io.k8s.api.apps.v1.DeploymentSpec"))
        let schema = try fields(#require(definitions[index].first { $0.number == 2 }).content)
        #expect(Set(schema.filter { $0.number == 19 }.map { text($0.content) }) == ["selector", "template"])
        let properties = try fields(#require(schema.first { $0.number == 25 }).content).map { try fields($0.content) }
        #expect(properties.contains { text($0.first { $0.number == 1 }?.content) == "replicas" })
    }
}
