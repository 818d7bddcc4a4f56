internal import PluginAPI

/// What a proxy promises: `apus/proxy.h`. Everything happens in a network namespace of its own.
enum ProxyChecks {
    static let all: [Check] = [
        Check("sync/nothing", "A cluster without Services is put in force, again and again.") { plugin in
            try await ProxySlots.with(plugin) { proxy in
                try proxy.sync([], "no Services")
                try proxy.sync([], "no Services, again")
                try proxy.sync([], anew: true, "no Services, anew")
            }
        },
        Check(
            "sync/changes",
            "Services that come, change and go are put in force one generation after another, and so is a generation in which nothing changed."
        ) { plugin in
            try await ProxySlots.with(plugin) { proxy in
                try proxy.sync(sorts, "Services of every sort")
                try proxy.sync(sorts, "the same Services again")
                var changed = sorts
                changed[0].endpoints.append(([10, 244, 0, 9], 8080))
                changed[1].port = 8443
                changed[2].endpoints = []
                try proxy.sync(changed, "Services of which three changed")
                try proxy.sync(Array(changed.dropFirst(2)), "two Services fewer")
                try proxy.sync([], "no Services any more")
                try proxy.sync(sorts, "all Services again")
            }
        },
        Check("sync/anew", "With `previous` of zero everything is written anew, whatever was there.") { plugin in
            try await ProxySlots.with(plugin) { proxy in
                try proxy.sync(sorts, "Services of every sort")
                try proxy.sync(Array(sorts.dropFirst()), anew: true, "one Service fewer, anew")
                try proxy.sync(sorts, "all Services, as a change")
            }
        },
        Check("sync/thousand", "A thousand Services with ten endpoints each are put in force, and one change among them.") { plugin in
            try await ProxySlots.with(plugin) { proxy in
                var many = (0..<1000).map(numbered)
                try proxy.sync(many, "a thousand Services")
                many[500].endpoints.removeLast()
                try proxy.sync(many, "a thousand Services of which one changed")
            }
        },
        Check(
            "sync/carries",
            "On OK the state is in force: a connection to a ClusterIP reaches an endpoint, and no longer when the Service is gone.", carries
        ),
        Check("cleanup/twice", "cleanup removes everything the plugin put in place; a second call finds nothing to do.") { plugin in
            try await ProxySlots.with(plugin) { proxy in
                try proxy.sync(sorts, "Services of every sort")
                try proxy.cleanup("after a sync")
                try proxy.cleanup("a second time")
            }
        },
        Check("cleanup/without-sync", "cleanup is called without a sync before it when a cluster is taken down, also before start.") {
            plugin in
            try await ProxySlots.with(plugin) { try $0.cleanup("without a sync before it") }
            try await ProxySlots.with(plugin, starts: false) { try $0.cleanup("before start") }
        },
        Check("cleanup/sync-after", "After cleanup a sync puts everything in place again.") { plugin in
            try await ProxySlots.with(plugin) { proxy in
                try proxy.sync(sorts, "Services of every sort")
                try proxy.cleanup("after a sync")
                try proxy.sync(sorts, "the same Services after cleanup")
            }
        },
        Check("cleanup/of-another", "What an instance that is gone left in place does not hinder the next, which can clean it up.") {
            plugin in
            try await OwnNetwork.run {
                for _ in 0..<2 {
                    let instance = try DirectInstance(plugin)
                    let table = instance.table(apus_proxy.self)
                    _ = instance.start()
                    let answer = ServiceSample.lend(sorts, generation: 1, previous: 0, changed: Set(sorts.map(\.id)), removed: []) {
                        wanted in
                        Sentence.collect { table.sync(instance.me, wanted, $0) }
                    }
                    instance.stop()
                    instance.destroy()
                    try expect(
                        answer.status == APUS_OK,
                        "the first sync of a new instance answered \(answer.description); with `previous` of zero, replace whatever is there"
                    )
                }
                let last = try DirectInstance(plugin)
                let table = last.table(apus_proxy.self)
                let answer = Sentence.collect { table.cleanup(last.me, $0) }
                last.stop()
                last.destroy()
                try expect(answer.status == APUS_OK, "cleanup of what another instance left answered \(answer.description)")
            }
        },
    ]

    /// One Service of each sort.
    private static let sorts: [ServiceSample] = [
        ServiceSample(id: 1, name: "plain", clusterIP: [10, 96, 0, 10], endpoints: [([10, 244, 0, 2], 8080), ([10, 244, 0, 3], 8080)]),
        ServiceSample(id: 2, name: "node-port", clusterIP: [10, 96, 0, 11], nodePort: 30080, endpoints: [([10, 244, 0, 4], 8080)]),
        ServiceSample(
            id: 3, name: "sticky", clusterIP: [10, 96, 0, 12], affinitySeconds: 10800,
            endpoints: [([10, 244, 0, 5], 53), ([10, 244, 0, 6], 53)]),
        ServiceSample(id: 4, name: "empty", clusterIP: [10, 96, 0, 13]),
        ServiceSample(id: 5, name: "dns", clusterIP: [10, 96, 0, 14], port: 53, transport: 17, endpoints: [([10, 244, 0, 7], 53)]),
        ServiceSample(
            id: 6, name: "outside", clusterIP: [10, 96, 0, 15], nodePort: 30090, flags: UInt32(APUS_SERVICE_EXTERNAL_LOCAL),
            external: [[203, 0, 113, 7]],
            endpoints: [([10, 244, 0, 8], 8080)]),
        ServiceSample(id: 7, name: "headless-port", clusterIP: [], nodePort: 30100, endpoints: [([10, 244, 0, 9], 8080)]),
        ServiceSample(
            id: 8, name: "six", clusterIP: [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
            endpoints: [([0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 8080)]),
    ]

    /// One of a thousand.
    private static func numbered(_ index: Int) -> ServiceSample {
        let (block, host) = (UInt8(index / 250), UInt8(index % 250 + 1))
        var service = ServiceSample(id: UInt64(index + 1), name: "s\(index)", clusterIP: [10, 96, block + 1, host])
        for endpoint in 1...10 as ClosedRange<UInt8> { service.endpoints.append(([10, 244, host, block * 10 + endpoint], 8080)) }
        return service
    }

    private static func carries(_ plugin: PluginUnderTest) async throws {
        try await ProxySlots.with(plugin) { proxy in
            let server = try LoopbackServer()
            var service = ServiceSample(id: 1, name: "carried", clusterIP: [10, 96, 0, 10])
            service.nodePort = 30080
            service.endpoints = [(LoopbackServer.address, UInt32(server.port))]
            try proxy.sync([service], "one Service")
            try expect(
                server.isReached(at: service.clusterIP, port: 80),
                "sync answered OK, but a connection to the ClusterIP does not reach the one endpoint")
            try expect(
                server.isReached(at: LoopbackServer.address, port: 30080),
                "sync answered OK, but a connection to the Node's own address and the node port does not reach the endpoint")
            try proxy.sync([], "no Service any more")
            try expect(
                !server.isReached(at: service.clusterIP, port: 80),
                "sync answered OK, but the ClusterIP of a Service that is gone still reaches its endpoint")
            try proxy.sync([service], "the Service again")
            try proxy.cleanup("after a sync")
            try expect(
                !server.isReached(at: service.clusterIP, port: 80), "cleanup answered OK, but the ClusterIP still reaches the endpoint")
        }
    }
}
