import APIModel

/// The virtual resource behind `kubectl get cs`: one object for each health check, made when asked for.
struct ComponentStatuses: Sendable {
    var checks: [HealthCheck]

    var handlers: Handlers.Table {
        [
            .init("/componentstatuses", "", .get): { Answer(.value(try await get($0.target.name))) },
            .init("/componentstatuses", "", .list): { call in
                call.context.warn("v1 ComponentStatus is deprecated in v1.19+")
                return Answer(.values(await list()))
            },
        ]
    }

    private func get(_ name: String) async throws -> Value {
        guard let check = checks.first(where: { $0.name == name }) else { throw APIError.notFound("componentstatuses", name) }
        return await Self.object(check)
    }

    private func list() async -> [Value] {
        var objects: [Value] = []
        for check in checks { objects.append(await Self.object(check)) }
        return objects
    }

    private static func object(_ check: HealthCheck) async -> Value {
        let problem = await check.problem()
        let condition: Value = [
            "type": "Healthy", "status": problem == nil ? "True" : "False", "message": .string(problem ?? "ok"),
        ]
        return [
            "kind": "ComponentStatus", "apiVersion": "v1", "metadata": ["name": .string(check.name), "creationTimestamp": .null],
            "conditions": [condition],
        ]
    }
}
