import APIModel
import Testing

@testable import PluginKit

/// The host in memory does with objects what a controller's author may count on.
@Suite struct TestHostTests {
    @Test func anObjectIsMadeWhereTheCallSays() throws {
        let test = TestHost()
        let made = try test.host.objects.create(
            .configMaps, namespace: "blue", ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "contact"]])
        #expect(made["metadata"]["namespace"].string == "blue")
        #expect(try test.host.objects.get(.configMaps, namespace: "blue", name: "contact") == made)
        let error = #expect(throws: APIError.self) { try test.host.objects.create(.configMaps, namespace: "blue", made) }
        #expect(error?.reason == .alreadyExists)
    }

    @Test func aCollectionIsDeletedWhereBothSelectorsMatch() throws {
        let pods: [Value] = [("blue", "a", "n1"), ("blue", "b", "n1"), ("blue", "a", "n2"), ("red", "a", "n1")].enumerated().map {
            number, pod in
            [
                "apiVersion": "v1", "kind": "Pod", "spec": ["nodeName": .string(pod.2)],
                "metadata": ["name": .string("p\(number)"), "namespace": .string(pod.0), "labels": ["app": .string(pod.1)]],
            ]
        }
        let test = TestHost(pods)
        func left() throws -> [String] { try test.host.objects.list(.pods).compactMap { $0["metadata"]["name"].string } }
        func delete(_ options: WriteOptions = WriteOptions()) throws {
            try test.host.objects.deleteCollection(.pods, namespace: "blue", selector: "app=a", fields: "spec.nodeName=n1", with: options)
        }
        try delete(WriteOptions(isDryRun: true))
        #expect(try left() == ["p0", "p1", "p2", "p3"])
        let error = #expect(throws: APIError.self) { try delete(WriteOptions(preconditions: .init(uid: "4be0"))) }
        #expect(error?.reason == .invalid)
        try delete()
        #expect(try left() == ["p1", "p2", "p3"] && test.writes == 1)
    }

    @Test func aNameIsMadeUp() throws {
        let test = TestHost()
        let wanted: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": ["generateName": "web-"]]
        let names = try (0..<2).map { _ in try test.host.objects.create(.pods, namespace: "blue", wanted)["metadata"]["name"].string ?? "" }
        #expect(Set(names).count == 2 && names.allSatisfy { $0.hasPrefix("web-") && $0.count > 4 })
        #expect(try test.host.objects.list(.pods, namespace: "blue").count == 2)
    }

    /// The variable that holds a test host ends with its last use; the component goes on.
    @Test func aComponentOutlivesTheTestsVariable() throws {
        weak var gone: TestHost?
        func makeHost() -> Host {
            let test = TestHost([["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "blue"]]])
            gone = test
            return test.host
        }
        let host = makeHost()
        try #require(gone != nil)
        #expect(try host.objects.get(.namespaces, name: "blue") != nil)
    }
}
