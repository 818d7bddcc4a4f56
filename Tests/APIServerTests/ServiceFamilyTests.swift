import APIModel
import Client
import HTTPTypes
import Store
import Testing

@testable import APIServer

/// Families and addresses of Services. Each line of `Fixtures/service-families.json` has what is sent one after the other, and what
/// upstream answers: the fields it fills in, or why it refuses. `<IPv4>` is an address that the server chose; `$0` is the Service's first.
@Suite struct ServiceFamilyTests {
    private let services = "/api/v1/namespaces/default/services"
    private let addresses = "/apis/networking.k8s.io/v1/ipaddresses"
    private static let both = DualStack<IPNetwork>("10.96.0.0/16,fd00:10:96::/112")

    private static func text(_ value: Value) -> String { String(decoding: JSON.encode(value), as: UTF8.self) }

    @Test func answersAreUpstreams() async throws {
        for cluster in try fixture("service-families") {
            let ranges = try #require(DualStack<IPNetwork>(cluster["ranges"].string ?? ""))
            try await TestServer.with {
                $0.serviceRanges = ranges
            } _: { server in
                for (index, scenario) in cluster["scenarios"].elements.enumerated() {
                    try await play(scenario, named: "s\(index)", server)
                }
                // Everything that was taken is free again but for the Service of the API itself.
                #expect(await server.ask(.get, addresses).json["items"].elements.count == 1)
            }
        }
    }

    /// The text with `<IPv4>` and `<IPv6>` in place of the addresses that the client did not name.
    private static func withoutChosen(_ text: String, _ given: String) -> String {
        var (result, word) = ("", "")
        for character in text + " " {
            guard "\" ,[]".contains(character) else {
                word.append(character)
                continue
            }
            let address = IPAddress(word)
            let isChosen =
                !given.contains("\"\(word)\"") && address.map { chosen in both?.contains { $0.contains(chosen) } ?? false } ?? false
            result += (isChosen ? address.map { "<\($0.family)>" } ?? word : word) + String(character)
            word = ""
        }
        return String(result.dropLast())
    }

    private func play(_ scenario: Value, named name: String, _ server: TestServer) async throws {
        let given = Self.text(scenario)
        var current: [String] = []
        for step in scenario.elements {
            var spec = try JSON.decode(Array(Self.text(step[1]).replacing("$0", with: current.first ?? "10.96.1.1").utf8))
            let other = current.first?.contains(":") == true ? "10.96.7.7" : "fd00:10:96::77"
            spec = try JSON.decode(Array(Self.text(spec).replacing("$other", with: other).utf8))
            if step[0] != "merge", spec["ports"].isNull, spec["type"] != "ExternalName" { spec["ports"] = [["port": 80]] }
            let object: Value = ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": spec]
            let answer =
                switch step[0].string {
                case "create": await server.ask(.post, services, object)
                case "put": await server.ask(.put, "\(services)/\(name)", object)
                default: await server.ask(.patch, "\(services)/\(name)", ["spec": spec], type: "application/merge-patch+json")
                }
            let normal = { (text: String) in Self.withoutChosen(text, given) }
            guard answer.code < 300 else {
                let message = normal(answer.message.replacing("Service \"\(name)\" is invalid: ", with: ""))
                #expect(message == step[2].string, "\(given)")
                continue
            }
            let made = answer.json["spec"]
            var found = Value.emptyObject
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where !made[field].isNull { found[field] = made[field] }
            #expect(try JSON.decode(Array(normal(Self.text(found)).utf8)) == step[2], "\(given)")
            #expect(made["clusterIP"] == made["clusterIPs"][0])
            current = made["clusterIPs"].elements.compactMap(\.string)
        }
        await server.ask(.delete, "\(services)/\(name)")
    }

    @Test func anAddressOfIPv6IsAnIPAddressByItsCanonicalName() async throws {
        let ranges = try #require(Self.both)
        try await TestServer.with {
            $0.serviceRanges = ranges
        } _: { server in
            let extra: [String: Value] = ["clusterIP": "FD00:10:96:0::BEEF", "ipFamilies": ["IPv6"]]
            #expect(await server.ask(.post, services, TestServer.service("s", extra: extra)).code == 201)
            let record = await server.ask(.get, "\(addresses)/fd00:10:96::beef").json
            #expect(record["metadata"]["labels"]["ipaddress.kubernetes.io/ip-family"] == "IPv6")
            #expect(record["spec"]["parentRef"]["name"] == "s")
            let taken = await server.ask(.post, services, TestServer.service("t", extra: ["clusterIP": "fd00:10:96::beef"]))
            #expect(taken.message.hasSuffix("failed to allocate IP fd00:10:96::beef: provided IP is already allocated"), "\(taken.message)")
            let odd = await server.ask(.post, addresses, ["metadata": ["name": "fd00:0::1"], "spec": record["spec"]])
            #expect(odd.message.contains("must be in canonical form (\"fd00::1\")"), "\(odd.message)")
        }
    }

    @Test func bothAddressesAreTakenOrNone() async throws {
        let ranges = try #require(DualStack<IPNetwork>("10.96.0.0/16,fd00:10:96::/125"))
        try await TestServer.with {
            $0.serviceRanges = ranges
        } _: { server in
            let dual: [String: Value] = ["ipFamilyPolicy": "RequireDualStack"]
            for index in 0..<7 { #expect(await server.ask(.post, services, TestServer.service("s\(index)", extra: dual)).code == 201) }
            let count = await server.ask(.get, addresses).json["items"].elements.count
            let full = await server.ask(.post, services, TestServer.service("s", extra: dual))
            #expect(full.code == 500 && full.message.contains("failed to allocate a serviceIP: range is full"), "\(full.message)")
            #expect(await server.ask(.get, addresses).json["items"].elements.count == count)
            await server.ask(.delete, "\(services)/s3")
            #expect(await server.ask(.post, services, TestServer.service("s", extra: dual)).code == 201)
        }
    }

    @Test func repairTakesWhatAServiceHasOfEachFamily() async throws {
        let ranges = try #require(Self.both)
        try await TestServer.with {
            $0.serviceRanges = ranges
        } _: { server in
            let made = await server.ask(.post, services, TestServer.service("s", extra: ["ipFamilyPolicy": "PreferDualStack"])).json
            for address in made["spec"]["clusterIPs"].elements {
                let key = RecordKey(collection: "networking.k8s.io/ipaddresses", name: address.string ?? "")
                _ = try await server.store.delete(key, expecting: .any)
                try await server.server.registry.services.repair(except: Quarantine())
                #expect(server.store.get(key) != nil)
            }
        }
    }

    @Test func aClusterOfOneFamilyBecomesOneOfBoth() async throws {
        try await TestServer.with { server in
            let ranges = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes"
            #expect(await server.ask(.get, ranges).json["spec"]["cidrs"] == ["10.96.0.0/16"])
            var configuration = server.server.configuration
            configuration.serviceRanges = try #require(Self.both)
            try await Bootstrap(registry: server.server.registry, configuration: configuration).run()
            #expect(await server.ask(.get, ranges).json["spec"]["cidrs"] == ["10.96.0.0/16", "fd00:10:96::/112"])
            let back = await server.ask(.patch, ranges, ["spec": ["cidrs": ["10.96.0.0/16"]]], type: "application/merge-patch+json")
            #expect(back.message.hasSuffix("spec.cidrs: Invalid value: [\"10.96.0.0/16\"]: field is immutable"), "\(back.message)")
        }
    }

    @Test(
        arguments: [
            ([], "spec.cidrs: Required value: at least one CIDR required"),
            (["10.0.0.0/8", "11.0.0.0/8"], "spec.cidrs: Invalid value: [\"10.0.0.0/8\",\"11.0.0.0/8\"]: may specify no more than one IP"),
            (["fd00:0::/64"], "spec.cidrs[0]: Invalid value: \"fd00:0::/64\": must be in canonical form (\"fd00::/64\")"),
        ] as [([String], String)])
    func rangesAreOneOfAFamily(ranges: [String], refusal: String) async throws {
        try await TestServer.with { server in
            let object: Value = ["metadata": ["name": "r"], "spec": ["cidrs": Value(ranges)]]
            let answer = await server.ask(.post, "/apis/networking.k8s.io/v1/servicecidrs", object)
            #expect(answer.message.contains(refusal), "\(answer.message)")
        }
    }
}
