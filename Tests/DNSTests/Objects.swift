import APIModel
import Client

@testable import DNS

/// Objects of a small cluster, with all that has names.
enum Objects {
    static func service(_ name: String, _ spec: Value, _ namespace: String = "default") -> Object {
        Object(["metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec])
    }

    static func slice(
        _ name: String, of service: String, _ endpoints: [Value], ports: [Value] = [], type: String = "IPv4",
        _ namespace: String = "default"
    ) -> Object {
        Object([
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "labels": ["kubernetes.io/service-name": .string(service)],
            ], "addressType": .string(type), "endpoints": .array(endpoints), "ports": .array(ports),
        ])
    }

    static func endpoint(_ address: String, hostname: String? = nil, ready: Bool? = true) -> Value {
        var endpoint: Value = ["addresses": [.string(address)]]
        if let hostname { endpoint["hostname"] = .string(hostname) }
        if let ready { endpoint["conditions"] = ["ready": .bool(ready)] }
        return endpoint
    }

    static func port(_ name: String, _ number: Int64, _ networkProtocol: String = "TCP") -> Value {
        ["name": .string(name), "port": .int(number), "protocol": .string(networkProtocol)]
    }

    static func pod(_ name: String, _ status: Value, _ namespace: String = "default") -> Object {
        Object(["metadata": ["name": .string(name), "namespace": .string(namespace)], "status": status])
    }

    static func namespace(_ name: String) -> Object { Object(["metadata": ["name": .string(name)]]) }

    static func cluster() throws -> ClusterObjects {
        var objects = ClusterObjects(
            apex: Name("cluster.local")!, serverAddresses: [[10, 96, 0, 10], [0xfd] + [UInt8](repeating: 0, count: 14) + [0x0a]])
        for name in ["default", "empty"] { objects.change(.namespaces, before: nil, after: namespace(name)) }
        let services: [Object] = [
            service(
                "web",
                ["clusterIP": "10.96.0.20", "ports": [port("https", 443), port("dns", 53, "UDP"), ["port": 80, "protocol": "TCP"]]]),
            service("dual", ["clusterIP": "10.96.0.21", "clusterIPs": ["10.96.0.21", "fd00::21"], "ports": [port("http", 80)]]),
            service("six", ["clusterIP": "fd00::22", "clusterIPs": ["fd00::22"], "ports": [port("http", 80)]]),
            service("db6", ["clusterIP": "None", "ports": [port("sql", 5432)]]),
            service("db", ["clusterIP": "None", "ports": [port("sql", 5432), port("gossip", 7000, "UDP")]]),
            service("quiet", ["clusterIP": "None"]),
            service("outside", ["type": "ExternalName", "externalName": "www.Example.com"]),
            service("inside", ["type": "ExternalName", "externalName": "web.default.svc.cluster.local."]),
            service("nowhere", ["type": "ExternalName", "externalName": "gone.default.svc.cluster.local"]),
            service("number", ["type": "ExternalName", "externalName": "10.1.2.3"]),
            service("loop", ["type": "ExternalName", "externalName": "pool.default.svc.cluster.local"]),
            service("pool", ["type": "ExternalName", "externalName": "loop.default.svc.cluster.local"]),
        ]
        for service in services { objects.change(.services, before: nil, after: service) }
        let sql = [port("sql", 5432), port("gossip", 7000, "UDP")]
        let slices: [Object] = [
            slice(
                "db-1", of: "db",
                [endpoint("10.244.0.5", hostname: "db-0"), endpoint("10.244.0.6"), endpoint("10.244.0.7", hostname: "db-2", ready: false)],
                ports: sql),
            slice("db-2", of: "db", [endpoint("10.244.0.8", hostname: "db-3", ready: nil), endpoint("10.244.0.6")], ports: sql),
            slice("db-6", of: "db", [endpoint("fd00::5", hostname: "db-0")], ports: sql, type: "IPv6"),
            slice(
                "db6-1", of: "db6", [endpoint("fd00::6"), endpoint("fd00::7", hostname: "db6-0")], ports: [port("sql", 5432)],
                type: "IPv6"),
            slice("web-1", of: "web", [endpoint("10.244.0.9")], ports: [port("https", 8443)]),
            slice("quiet-1", of: "quiet", [endpoint("10.244.0.7", ready: false)]),
            slice("orphan-1", of: "orphan", [endpoint("10.244.0.7")]),
        ]
        for slice in slices { objects.change(.endpointSlices, before: nil, after: slice) }
        for pod in [
            pod("a", ["phase": "Running", "podIP": "10.244.0.5", "podIPs": [["ip": "10.244.0.5"], ["ip": "fd00::5"]]]),
            pod("six", ["phase": "Running", "podIP": "fd00:0:1::", "podIPs": [["ip": "fd00:0:1::"]]]),
            pod("done", ["phase": "Succeeded", "podIP": "10.244.0.77"]), pod("new", ["phase": "Pending"]),
        ] { objects.change(.pods, before: nil, after: pod) }
        return objects
    }
}
