internal import APIModel
internal import Client
internal import PluginAPI
internal import PluginHost

/// What a controller promises: `apus/controller.h`.
enum ControllerChecks {
    static let all: [Check] = [
        Check("reconcile/gone", "The object of a key may be gone: reconcile then answers OK, soon.") { plugin in
            try await ControllerEnvironment.with(plugin) { world in
                for resource in resources(of: world.manifest) {
                    let isNamespaced = Catalogue.builtin.resource(resource)?.isNamespaced ?? true
                    let key = ControllerKey(
                        resource: resource, namespace: isNamespaced ? ControllerEnvironment.namespace : "", name: "conformance-gone",
                        uid: "gone")
                    try await Settling.finish(world, key, "an object that does not exist")
                }
            }
        },
        Check("reconcile/settles", "reconcile compares before it acts: once all is as it should be, it writes nothing.") { plugin in
            try await situations(plugin) { world, key, what in
                try await Settling.settle(world, key, what)
                let before = world.gate.written.count
                _ = await world.controller.reconcile(key)
                let again = world.gate.written[before...]
                try expect(
                    again.isEmpty,
                    "reconcile wrote once more for \(what) although nothing had changed: \(again.joined(separator: ", ")); compare first, write only what differs"
                )
            }
        },
        Check("reconcile/conflict", "An update or patch that is refused with CONFLICT is tried again, on what is there then.") { plugin in
            let refused = Seen()
            try await whereItWrites(plugin) { world, key, what in
                world.gate.set(.conflictOnce)
                try await Settling.finish(world, key, what + ", the first change refused with CONFLICT")
                guard let change = world.gate.refused.first else { return }
                refused.note()
                try expect(
                    world.gate.written.contains(change),
                    "\(change) was refused with CONFLICT for \(what); reconcile answered OK and never tried again, so the change is lost: answer CONFLICT or RETRY"
                )
            }
            guard refused.isNoted else { throw NotOffered("it updates and patches nothing for the objects that were tried") }
        },
        Check("reconcile/forbidden", "A write that the manifest does not grant is survived, and made when it is granted.") { plugin in
            try await whereItWrites(plugin) { world, key, what in
                world.gate.set(.forbidden)
                for _ in 0..<patience { _ = await world.controller.reconcile(key) }
                let refused = world.gate.refused.first ?? ""
                world.gate.set(.open)
                try await Settling.finish(world, key, what + ", after its writes had been refused with FORBIDDEN")
                try expect(
                    !world.gate.written.isEmpty,
                    "\(refused) was refused with FORBIDDEN for \(what), and never made when it was granted; remember no refusal between calls"
                )
            }
        },
        Check("reconcile/eight-keys", "Different keys are worked on by many threads at once.") { plugin in
            try await ControllerEnvironment.with(plugin) { world in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for resource in resources(of: world.manifest) {
                        for index in 0..<8 {
                            guard var object = ObjectSamples.object(resource, name: "conformance-\(index)") else { continue }
                            object["metadata"]["labels"]["app"] = .string("conformance-\(index)")
                            if let made = try? await world.create(resource, object) {
                                group.addTask { try await Settling.finish(world, key(resource, made), "one of eight \(resource) at once") }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
        Check(
            "map/empty-sides",
            "map is called with an empty `before` for a new object and an empty `after` for a deleted one; the keys it adds are of kinds under `for` or `keys`.",
            map),
        Check(
            "stop/amid-reconcile",
            "stop in the middle of a slow reconcile returns in time: host functions answer CANCELLED, and reconcile ends."
        ) { plugin in
            try await whereItWrites(plugin) { world, key, what in
                world.gate.set(.hanging)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<patience { _ = await world.controller.reconcile(key) }
                        world.gate.expectNoMore()
                    }
                    guard await world.gate.waitForHanging() else {
                        throw NotOffered("it wrote something for \(what), and nothing when it was tried again")
                    }
                    group.addTask { await world.stopPlugin() }
                    group.addTask {
                        // The check itself is that an end comes; this only puts it into words.
                        try await Task.sleep(for: .seconds(8))
                        throw Failure(
                            "8 s after stop, reconcile of \(what) still runs although its write was answered CANCELLED; end the call when a host function says so"
                        )
                    }
                    _ = try await group.next()
                    _ = try await group.next()
                    group.cancelAll()
                }
            }
        },
    ]

    /// How many calls it may take until a controller writes what it has to: it may ask to be called again first.
    private static let patience = 3

    /// The kinds whose keys the controller gets.
    private static func resources(of manifest: ControllerManifest) -> [GroupVersionResource] {
        manifest.for.isEmpty ? [.configMaps] : manifest.for + manifest.keys
    }

    private static func key(_ resource: GroupVersionResource, _ object: Object) -> ControllerKey {
        ControllerKey(resource: resource, namespace: object.namespace, name: object.name, uid: object.uid)
    }

    /// Runs `body` for every situation that can be made: an object that is new, and one that is being deleted; each in a world of its own.
    static func situations(
        _ plugin: PluginUnderTest, _ body: @escaping @Sendable (ControllerEnvironment, ControllerKey, String) async throws -> Void
    ) async throws {
        let samples = try ObjectSamples.all(Hosted.manifest(plugin).controller!, given: plugin.objects)
        let tried = Seen()
        for (resource, sample) in samples {
            for isDeleted in [false, true] {
                try await ControllerEnvironment.with(plugin) { world in
                    var sample = sample
                    if isDeleted { sample["metadata"]["finalizers"] = ["conformance.apus.dev/hold"] }
                    let what = "\(isDeleted ? "a deleted" : "a new") \(sample["kind"].string ?? "")"
                    var made: Object?
                    do {
                        made = try await world.create(resource, sample)
                        if isDeleted, let object = made { made = try await world.delete(resource, object) }
                    } catch let error as APIError {
                        // Kinds that the suite knows too little of; `objects` brings whole ones.
                        guard error.reason == .invalid || error.reason == .badRequest else {
                            throw Failure("\(what) cannot be made: \(error)")
                        }
                        return
                    }
                    guard let made else { return }
                    tried.note()
                    try await body(world, key(resource, made), what)
                }
            }
        }
        guard tried.isNoted else {
            throw NotOffered("the suite can make no object of the kinds under spec.controller.for; give some with --object")
        }
    }

    /// Runs `body` in the situations in which the controller writes something, each in a fresh world.
    private static func whereItWrites(
        _ plugin: PluginUnderTest, _ body: @escaping @Sendable (ControllerEnvironment, ControllerKey, String) async throws -> Void
    ) async throws {
        let writing = Names()
        try await situations(plugin) { world, key, what in
            for _ in 0..<patience { _ = await world.controller.reconcile(key) }
            if !world.gate.written.isEmpty { writing.add(what + key.description) }
        }
        guard !writing.isEmpty else { throw NotOffered("it writes nothing for the objects that were tried; give others with --object") }
        try await situations(plugin) { world, key, what in
            if writing.contains(what + key.description) { try await body(world, key, what) }
        }
    }

    private static func map(_ plugin: PluginUnderTest) async throws {
        let manifest = try Hosted.manifest(plugin).controller!
        let watches = manifest.watches.filter { $0.map == .plugin }.compactMap(\.resource)
        guard !watches.isEmpty else { throw NotOffered("no watch in the manifest says `map: Plugin`") }
        let hasSlot = try await LifeCycle.direct(plugin) {
            let instance = try DirectInstance(plugin)
            defer { instance.destroy() }
            return instance.table(apus_controller.self).map != nil
        }
        try expect(
            hasSlot,
            "the manifest says `map: Plugin` for \(watches[0]), but the table has no map slot; add it, or use another mapping")
        try await ControllerEnvironment.with(plugin) { world in
            for resource in watches {
                let object = ObjectSamples.object(resource, name: "conformance").map { Object($0) }
                for (before, after) in [(nil, object), (object, nil), (object, object), (nil, nil)] as [(Object?, Object?)] {
                    for key in await world.controller.map(resource: resource, before: before, after: after) {
                        // That nothing changed is never told: it only must not crash.
                        if before === nil && after === nil { continue }
                        try expect(
                            (manifest.for + manifest.keys).contains(key.resource),
                            "map of \(resource) added a key of \(key.resource), which is not under spec.controller.for or keys: nobody would know what to do with it"
                        )
                        try expect(!key.name.isEmpty, "map of \(resource) added a key without a name")
                    }
                }
            }
        }
    }
}

extension ControllerKey {
    fileprivate var description: String { " \(resource)/\(namespace)/\(name)" }
}
