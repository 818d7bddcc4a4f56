import FoundationEssentials
import Testing

@testable import APIModel

/// For each kind an object that is good, changes that make it bad, and the causes that Kubernetes gives for each: `Fixtures/validation`.
struct ValidationTable: Sendable, CustomTestStringConvertible {
    let kind: String
    let good: Value
    let bad: [Value]
    var testDescription: String { kind }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/validation").path

    static let all: [ValidationTable] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { file in
        let table = (try? JSON.decode(Array(FileManager.default.contents(atPath: "\(folder)/\(file)") ?? Data()))) ?? .null
        return ValidationTable(kind: String(file.dropLast(".json".count)), good: table["good"], bad: table["bad"].elements)
    }

    /// The good object, otherwise at a place such as `spec.containers.0.name`; without a value, the field is taken away.
    func changed(_ row: Value) -> Value {
        var object = good
        Self.put(row["to"], at: (row["set"].string ?? "").split(separator: ".")[...], into: &object)
        return object
    }

    private static func put(_ value: Value, at path: ArraySlice<Substring>, into object: inout Value) {
        guard let first = path.first else {
            object = value
            return
        }
        if let index = Int(first) {
            put(value, at: path.dropFirst(), into: &object.elements[index])
        } else {
            put(value, at: path.dropFirst(), into: &object[String(first)])
        }
    }
}

@Suite struct ValidationTableTests {
    @Test func tablesAreThere() { #expect(ValidationTable.all.count >= 30) }

    @Test(arguments: ValidationTable.all) func causesAreUpstreams(table: ValidationTable) throws {
        #expect(try causes(table.good).isEmpty)
        for row in table.bad {
            let wanted = row["causes"].elements.map { $0.elements.compactMap(\.string) }
            let found = try causes(table.changed(row))
            let change = "\(row["set"].string ?? "") = \(String(decoding: JSON.encode(row["to"]), as: UTF8.self))"
            #expect(Self.sorted(found) == Self.sorted(wanted), "\(change)")
        }
    }

    private static func sorted(_ causes: [[String]]) -> [[String]] { causes.sorted { $0.joined() < $1.joined() } }

    /// What is said of an object that somebody creates: field, reason and message of each cause.
    private func causes(_ given: Value) throws -> [[String]] {
        var object = given
        let kind = try #require(GroupVersionKind(of: object))
        let resource = try #require(Kinds.builtin.resource(kind))
        #expect(try Pruning.decode(&object, schema: resource.schema.schema, kind: kind).isEmpty)
        object["metadata"]["uid"] = "u"
        object["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
        Defaulting.apply(&object, resource: resource)
        return Validation.validate(object, resource: resource).map(\.cause).map { cause in
            ["field", "reason", "message"].map { cause[$0].string ?? "" }
        }
    }
}
