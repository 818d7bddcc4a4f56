import APIModel

/// A plugin that gives devices away, v1beta1. Safe from any task.
final class DevicePlugin: Sendable {
    /// `example.com/gpu`
    let resource: String
    private let socket: PluginSocket
    private let options: Value

    static let version = "v1beta1"
    /// Upstream's.
    private static let optionsLimit = Duration.seconds(10)
    private static let preStartLimit = Duration.seconds(30)
    /// Upstream waits for as long as it takes.
    private static let limit = Duration.seconds(120)

    /// For what is worked out without anybody answering.
    init(resource: String, options: Value = .emptyObject) {
        (self.resource, self.options) = (resource, options)
        socket = PluginSocket("", .devices)
    }

    private init(_ resource: String, _ socket: PluginSocket, _ options: Value) {
        (self.resource, self.socket, self.options) = (resource, socket, options)
    }

    /// Asks what it wants done. Throws when it does not answer.
    static func connect(_ resource: String, at path: String) async throws -> DevicePlugin {
        let socket = PluginSocket(path, .devices)
        do {
            let types = ("Empty", "DevicePluginOptions")
            let options = try await socket.call(
                "v1beta1.DevicePlugin/GetDevicePluginOptions", .emptyObject, types, within: Self.optionsLimit)
            return DevicePlugin(resource, socket, options)
        } catch {
            throw DeviceBook.Refusal(description: "failed to get device plugin options: \(error)")
        }
    }

    /// Whether it says which devices it would rather give away.
    var prefers: Bool { options["get_preferred_allocation_available"].bool ?? false }
    /// Whether it is told before a container starts.
    var wantsPreStart: Bool { options["pre_start_required"].bool ?? false }

    /// Ends what is asked of it.
    func close() { socket.close() }

    /// Tells of all its devices, at once and whenever that changes; returns when it has no more to say. Throws `PluginFailure`.
    func follow(_ each: ([Device]) async -> Void) async throws {
        try await socket.follow("v1beta1.DevicePlugin/ListAndWatch", .emptyObject, ("Empty", "ListAndWatchResponse")) { answer in
            await each(answer["devices"].elements.map(Device.init))
        }
    }

    /// What has to be in a container that gets these: a `ContainerAllocateResponse`.
    func allocate(_ ids: Set<String>) async throws -> Value {
        let request: Value = ["container_requests": [["devices_ids": Value(ids.sorted())]]]
        let answer = try await socket.call(
            "v1beta1.DevicePlugin/Allocate", request, ("AllocateRequest", "AllocateResponse"), within: Self.limit)
        guard let first = answer["container_responses"].elements.first else {
            throw DeviceBook.Refusal(description: "no containers return in allocation response \(resource)")
        }
        return first
    }

    /// Which it would rather give away.
    func preferred(among available: Set<String>, including: Set<String>, _ count: Int) async throws -> Set<String> {
        let wish: Value = [
            "available_deviceIDs": Value(available.sorted()), "must_include_deviceIDs": Value(including.sorted()),
            "allocation_size": .int(Whole(count)),
        ]
        do {
            let answer = try await socket.call(
                "v1beta1.DevicePlugin/GetPreferredAllocation", ["container_requests": [wish]],
                ("PreferredAllocationRequest", "PreferredAllocationResponse"), within: Self.limit)
            return Set(answer["container_responses"].elements.first?["deviceIDs"].elements.compactMap(\.string) ?? [])
        } catch let failure as PluginFailure {
            throw DeviceBook.Refusal(description: "device plugin GetPreferredAllocation rpc failed with err: \(failure)")
        }
    }

    func preStart(_ ids: Set<String>) async throws {
        do {
            _ = try await socket.call(
                "v1beta1.DevicePlugin/PreStartContainer", ["devices_ids": Value(ids.sorted())],
                ("PreStartContainerRequest", "PreStartContainerResponse"), within: Self.preStartLimit)
        } catch let failure as PluginFailure {
            throw DeviceBook.Refusal(description: "device plugin PreStartContainer rpc failed with err: \(failure)")
        }
    }
}
