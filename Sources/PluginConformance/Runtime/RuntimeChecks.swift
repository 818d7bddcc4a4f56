internal import APIModel
internal import PluginHost

/// What a runtime promises: `apus/runtime.h`.
enum RuntimeChecks {
    static let all: [Check] = calls + SandboxChecks.all + RuntimeStreamChecks.all

    private static let calls: [Check] = [
        Check("call/version", "Version says who it is, and that it speaks v1.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                let version = try await runtime.callIfOffered("Version")
                try expect(
                    !(version["runtime_name"].string ?? "").isEmpty, "VersionResponse has no runtime_name; the Node's status shows it")
                try expect(
                    version["runtime_api_version"].string == "v1",
                    "VersionResponse has runtime_api_version \"\(version["runtime_api_version"].string ?? "")\"; it must be v1")
            }
        },
        Check("call/status", "Status tells the conditions RuntimeReady and NetworkReady.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                let types = try await runtime.callIfOffered("Status")[path: "status", "conditions"].elements.compactMap {
                    $0["type"].string
                }
                for wanted in ["RuntimeReady", "NetworkReady"] {
                    try expect(
                        types.contains(wanted),
                        "StatusResponse has the conditions \(types) and not \(wanted); without it the Node never becomes Ready")
                }
            }
        },
        Check("call/unknown-method", "A method that is not offered answers UNSUPPORTED, with its name.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                for method in ["RuntimeService/ConformanceNonsense", "ConformanceService/Version", "", "Version"] {
                    do throws(RuntimeError) {
                        _ = try await runtime.plugin.call(method, [], timeout: .seconds(30))
                    } catch {
                        // A server that is asked in turn names the part that it does not know: the service or the method.
                        let parts = method.split(separator: "/")
                        try expect(
                            error.code == "Unimplemented" && (parts.isEmpty || parts.contains { error.message.contains($0) }),
                            "\"\(method)\" answered \(error); answer UNSUPPORTED with the code UNIMPLEMENTED, and name the method")
                        continue
                    }
                    throw Failure("\"\(method)\" answered OK; answer UNSUPPORTED with the code UNIMPLEMENTED, and name the method")
                }
            }
        },
        Check("call/no-protobuf", "A request that is no protobuf message is refused, and the next call goes on as ever.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                let garbage: [[UInt8]] = [
                    [0xff, 0xff, 0xff], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0a, 0x05, 0x01], [UInt8](repeating: 0x80, count: 64),
                    [0x0b, 0x0c, 0x0f],
                ]
                for method in [
                    "RuntimeService/RunPodSandbox", "RuntimeService/CreateContainer", "RuntimeService/ContainerStatus",
                    "ImageService/PullImage",
                ] {
                    for bytes in garbage {
                        do {
                            _ = try await runtime.plugin.call(method, bytes, timeout: .seconds(30))
                        } catch {
                            continue
                        }
                        throw Failure(
                            "\(method) answered OK to \(bytes.count) bytes that are no message (\(bytes.prefix(8))); answer INVALID with the code INVALID_ARGUMENT"
                        )
                    }
                }
                try await runtime.callIfOffered("Version")
            }
        },
        Check("call/not-found", "What does not exist is refused with NotFound; removing it again is no error.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                let nobody = Value.string("conformance-nobody")
                var isOffered = false
                for (method, request) in [
                    ("PodSandboxStatus", ["pod_sandbox_id": nobody]), ("ContainerStatus", ["container_id": nobody]),
                    ("StartContainer", ["container_id": nobody]),
                ] as [(String, Value)] {
                    let error = try await runtime.refusal(method, request, "an id that nobody has")
                    if error.code == "Unimplemented" { continue }
                    isOffered = true
                    try expect(
                        error.code == "NotFound", "\(method) answered \(error) for an id that nobody has; the kubelet looks for NotFound")
                }
                for (method, request) in [("RemovePodSandbox", ["pod_sandbox_id": nobody]), ("RemoveContainer", ["container_id": nobody])]
                    as [(String, Value)]
                {
                    do {
                        try await runtime.call(method, request)
                    } catch let error as RuntimeError {
                        if error.code == "Unimplemented" { continue }
                        throw Failure("\(method) answered \(error) for an id that nobody has; removing what is gone is OK")
                    }
                    isOffered = true
                }
                if !isOffered { throw NotOffered("the runtime has neither sandboxes nor containers") }
            }
        },
        Check("call/eight-at-once", "Many threads may call at once.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<8 {
                        group.addTask { for _ in 0..<20 { try await runtime.callIfOffered("Version") } }
                    }
                }
            }
        },
    ]
}
