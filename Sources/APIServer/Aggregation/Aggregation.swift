import APIModel
import HTTPServer
import HTTPTypes
import Logging
import Store
import Streaming
import Synchronization

/// Lets other servers answer for groups and versions of the API: an `APIService` names the Service to which their requests go on.
///
/// A request costs one look-up in a table. While `run` runs, each server is asked every half minute how it is, and every second while it is
/// not well; what it says of itself is kept for discovery and OpenAPI.
final class Aggregation: Sendable {
    static let collection = "apiregistration.k8s.io/apiservices"

    /// What is known at one moment.
    struct Snapshot: Sendable {
        /// Grows with every change.
        var version: UInt64 = 0
        var services: [GroupVersion: AggregatedService] = [:]
        /// Of the services that answered last time; the others are not asked.
        var documents: [GroupVersion: AggregatedDocuments] = [:]
    }

    private let registry: Registry
    private let connector: Connector
    /// What this server shows to those behind it: they take its word for who a user is.
    private let frontProxy: ChangingTLS
    private let current = Mutex(Snapshot())
    /// What loops of this process watch of custom kinds, which ends when another server takes them over.
    private let watches = Mutex<[GroupVersion: [LentWatch]]>([:])
    /// The services that are followed, by name.
    private let followed = Mutex<[String: AggregatedService]>([:])

    init(_ registry: Registry, connector: Connector, frontProxy: ChangingTLS) {
        self.registry = registry
        self.connector = connector
        self.frontProxy = frontProxy
    }

    var snapshot: Snapshot { current.withLock { $0 } }

    private struct LentWatch {
        weak var watch: Watch?
    }

    /// Ends `watch`, which is of a custom kind of this server's own, as soon as another server answers for its group and version.
    func endWhenTaken(_ version: GroupVersion, _ watch: Watch) {
        watches.withLock { watches in
            watches[version, default: []].removeAll { $0.watch == nil }
            watches[version, default: []].append(LentWatch(watch: watch))
        }
        if service(for: version) != nil { watch.cancel() }
    }

    private func endWatches(of versions: [GroupVersion]) {
        let taken = watches.withLock { watches in versions.flatMap { watches.removeValue(forKey: $0) ?? [] } }
        for lent in taken { lent.watch?.cancel() }
    }

    // MARK: Requests

    /// The server that answers for what a request asks, `nil` for this one.
    func service(for info: RequestInfo) -> AggregatedService? {
        guard !info.group.isEmpty, !info.version.isEmpty else { return nil }
        return service(for: GroupVersion(group: info.group, version: info.version))
    }

    /// The server that answers for a group and version, `nil` for this one.
    func service(for version: GroupVersion) -> AggregatedService? {
        current.withLock { $0.services.isEmpty ? nil : $0.services[version] }
    }

    /// Sends a request on, with the user's name in headers that only this server may send.
    func respond(_ request: Request, to service: AggregatedService, user: UserInfo) async throws -> Response {
        try requireWell(service)
        return try await send(request, to: service, path: request.path, user: user)
    }

    /// Sends a request of a loop of this process on. Whoever reads the answer closes its connection.
    func respond(
        _ method: String, _ target: String, headers: [(name: String, value: String)], body: [UInt8], to service: AggregatedService,
        user: UserInfo
    ) async throws -> HTTP1Response {
        try requireWell(service)
        let address = try address(of: service)
        return try await connector.send(
            HTTP1Request(
                method: method, target: target, host: address.authority,
                headers: headers + Self.headers(of: user) + [("Connection", "close")], body: body), to: address)
    }

    private func requireWell(_ service: AggregatedService) throws {
        guard current.withLock({ $0.documents[service.version] }) != nil else { throw Self.unavailable("service unavailable") }
    }

    private func send(_ request: Request, to service: AggregatedService, path: String, user: UserInfo) async throws -> Response {
        let body = try await connector.body.bytes(request)
        return try await connector.exchange(
            request, method: request.method.rawValue, target: Connector.target(path, request.query.map { ($0.name, $0.value) }),
            to: try address(of: service), headers: Self.headers(of: user), body: body)
    }

    private func address(of service: AggregatedService) throws -> BackendAddress {
        var address = try connector.backends.service("\(service.service):\(service.port)", namespace: service.namespace)
        address.trust = .given(service.tls(frontProxy.current))
        return address
    }

    private static func headers(of user: UserInfo) -> [(name: String, value: String)] {
        var headers = [(name: "X-Remote-User", value: user.name)] + user.groups.map { (name: "X-Remote-Group", value: $0) }
        if !user.uid.isEmpty { headers.append(("X-Remote-Uid", user.uid)) }
        for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) {
            headers += values.map { ("X-Remote-Extra-\(Connector.encode(key.lowercased(), keeping: ""))", $0) }
        }
        return headers
    }

    static func unavailable(_ message: String) -> APIError {
        APIError(code: 503, reason: .serviceUnavailable, message: message, details: ["retryAfterSeconds": 1])
    }

    /// An OpenAPI document of an aggregated group and version; `nil` for others.
    func openAPI(_ request: Request, path: String) async throws -> Response? {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 5, parts[0] == "openapi", parts[1] == "v3", parts[2] == "apis" else { return nil }
        let version = GroupVersion(group: parts[3], version: parts[4])
        guard let service = current.withLock({ $0.services[version] }) else { return nil }
        return try await send(request, to: service, path: path, user: Self.itself)
    }

    static let itself = UserInfo(name: "system:kube-aggregator", groups: ["system:masters"])

    // MARK: Following

    /// Follows the APIServices until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    var revision = try settle(&group)
                    let watch = try registry.store.watch(Self.collection, after: revision)
                    while try await watch.next() != nil { revision = try settle(&group) }
                } catch is CancellationError {
                    return
                } catch {
                    registry.log.error("aggregated services could not be followed; trying again", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    private func settle(_ group: inout DiscardingTaskGroup) throws -> UInt64 {
        let listed = try registry.store.list(Self.collection)
        let services = listed.records.compactMap { AggregatedService($0.object.value) }
        let taken = current.withLock { snapshot -> [GroupVersion] in
            let next = Dictionary(services.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
            guard next != snapshot.services else { return [] }
            let taken = next.keys.filter { snapshot.services[$0] == nil }
            snapshot.documents = snapshot.documents.filter { next[$0.key] == snapshot.services[$0.key] }
            snapshot.services = next
            snapshot.version += 1
            return taken
        }
        endWatches(of: taken)
        for service in services {
            let isNew = followed.withLock { followed in
                defer { followed[service.name] = service }
                return followed[service.name] != service
            }
            if isNew { group.addTask { await self.follow(service) } }
        }
        followed.withLock { followed in followed = followed.filter { entry in services.contains(entry.value) } }
        return listed.revision
    }

    private func follow(_ service: AggregatedService) async {
        while !Task.isCancelled, followed.withLock({ $0[service.name] }) == service {
            let (state, documents) = await look(at: service)
            current.withLock { snapshot in
                guard snapshot.services[service.version] == service, snapshot.documents[service.version] != documents else { return }
                snapshot.documents[service.version] = documents
                snapshot.version += 1
            }
            await say(state, of: service)
            try? await Task.sleep(for: .seconds(documents == nil ? 1 : 30))
        }
    }

    private func say(_ state: Availability, of service: AggregatedService) async {
        guard let storage = registry.served.storage(collection: Self.collection) else { return }
        let target = Target(storage: storage, namespace: "", name: service.name, subresource: "status")
        do {
            _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { object in
                guard object[path: "metadata", "uid"].string == service.uid else { return object }
                var object = object
                state.set(in: &object)
                return object
            }
        } catch let error as APIError where error.reason == .notFound {
            // Gone meanwhile, and with it its status.
        } catch {
            registry.log.error("an APIService's status was not written", metadata: ["name": "\(service.name)", "error": "\(error)"])
        }
    }

    // MARK: Looking

    /// How a service is, and what it says of itself if it is well.
    private func look(at service: AggregatedService) async -> (Availability, AggregatedDocuments?) {
        let name = "service/\(service.service) in \"\(service.namespace)\""
        guard let object = registry.latest("/services", namespace: service.namespace, name: service.service)?.value else {
            return (Availability(problem: "ServiceNotFound", "\(name) is not present"), nil)
        }
        guard object[path: "spec", "ports"].elements.contains(where: { $0["port"].int.map { String($0) } == service.port }) else {
            return (Availability(problem: "ServicePortError", "\(name) is not listening on port \(service.port)"), nil)
        }
        guard (try? address(of: service)) != nil else {
            let message = "endpoints for \(name) have no addresses with port name \"\(service.port)\""
            return (Availability(problem: "MissingEndpoints", message), nil)
        }
        do {
            let documents = try await documents(of: service, resources: try await ask(service, service.path))
            return (Availability(), documents)
        } catch {
            let place = "https://\(service.service).\(service.namespace).svc:\(service.port)\(service.path)"
            return (Availability(problem: "FailedDiscoveryCheck", "failing or missing response from \(place): \(error)"), nil)
        }
    }

    private func documents(of service: AggregatedService, resources: Value) async throws -> AggregatedDocuments {
        let index = (try? await ask(service, "/openapi/v3")) ?? .null
        let address = index["paths"]["apis/\(service.version)"]["serverRelativeURL"].string ?? ""
        return AggregatedDocuments(
            discovery: Discovery.aggregated(service.version, resourceList: resources),
            openAPIHash: address.firstRange(of: "hash=").map { String(address[$0.upperBound...]) } ?? "",
            openAPI: (try? await ask(service, "/openapi/v2")) ?? .null)
    }

    /// How long a server may take to say something of itself, and how much it may say.
    private static let patience = Duration.seconds(6)
    private static let documentSize = 16 << 20

    /// A document of the service's server, asked for by this server itself.
    private func ask(_ service: AggregatedService, _ path: String) async throws -> Value {
        var headers = HTTPFields()
        headers[.accept] = "application/json"
        let request = Request(method: .get, path: path, headers: headers)
        return try await within(Self.patience) {
            let response = try await self.send(request, to: service, path: path, user: Self.itself)
            guard (200..<300).contains(response.code) else { throw BadStatus(code: response.code) }
            return try JSON.decode(try await response.collected(upTo: Self.documentSize))
        }
    }

    private struct BadStatus: Error, CustomStringConvertible {
        var code: Int
        var description: String { "bad status: \(code)" }
    }
}

/// What the condition Available of an APIService says.
struct Availability: Sendable {
    var isAvailable = true
    var reason = "Passed"
    var message = "all checks passed"

    init() {}

    init(problem reason: String, _ message: String) {
        isAvailable = false
        self.reason = reason
        self.message = message
    }

    /// Of what this server answers for itself.
    static let local: Availability = {
        var local = Availability()
        (local.reason, local.message) = ("Local", "Local APIServices are always available")
        return local
    }()

    func set(in object: inout Value) {
        Conditions.set(&object["status"], type: "Available", .init(isAvailable), reason: reason, message: message)
    }
}
