// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let c: [CSetting] = [.unsafeFlags(["-std=c11", "-Wall", "-Wextra", "-Werror"])]

// A plugin exports its entry point and nothing else, so that two libraries never see each other's symbols.
let plugin: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/PluginAPI/plugin.map", "-Xlinker", "--gc-sections"]),
    // A library is hashed whole, and kept in memory: names stay for stack traces, the rest of what is for debuggers is two thirds of it.
    .unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release)),
]

/// A module of the project with its own sources in `Sources/<name>`.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: swift)
}

/// A plugin in Swift: one shared library from `Plugins/<name>`.
func swiftPlugin(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: ["PluginAPI", "PluginKit", "APIModel"] + dependencies, path: "Plugins/\(name)",
        exclude: exclude, swiftSettings: swift, linkerSettings: plugin)
}

/// The controllers of one area: a module each from `Plugins/<area>/<controller>`, where tests find its plan, and one library with all of
/// them from `Plugins/<area>/Entry`. Each library brings its own copy of what plugins in Swift stand on, so there are few.
struct Area {
    var name: String
    var controllers: [String]
    /// What a controller needs beside the kit.
    var needs: [String: [Target.Dependency]] = [:]

    var library: String { "controllers-\(name.lowercased())" }
    var modules: [String] { controllers.map { "Controller\($0)" } }

    var target: Target {
        .target(
            name: "\(name)Controllers", dependencies: ["PluginAPI", "PluginKit"] + modules.map { .byName(name: $0) },
            path: "Plugins/\(name)/Entry", swiftSettings: swift, linkerSettings: plugin)
    }

    var targets: [Target] {
        zip(controllers, modules).map { controller, module in
            .target(
                name: module,
                dependencies: ["PluginKit", "APIModel", product("OrderedCollections", "swift-collections")] + (needs[controller] ?? []),
                path: "Plugins/\(name)/\(controller)", swiftSettings: swift)
        }
    }
}

/// A plugin in C: one shared library from `Plugins/<name>`.
func cPlugin(_ name: String) -> Target {
    .target(name: name, dependencies: ["PluginAPI"], path: "Plugins/\(name)", publicHeadersPath: ".", cSettings: c, linkerSettings: plugin)
}

/// Tests that mirror one module.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, path: "Tests/\(name)Tests", exclude: exclude,
        swiftSettings: swift)
}

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nio: [Target.Dependency] = [product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio")]

let areas = [
    Area(
        name: "Workloads",
        controllers: [
            "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "TTLAfterFinished", "Disruption",
            "HorizontalPodAutoscaler", "ResourceClaim",
        ]),
    Area(
        name: "Network",
        controllers: ["Endpoints", "EndpointSlice", "EndpointSliceMirroring", "NetworkPolicy", "PodRoutes", "ServiceLB", "ServiceCIDR"],
        needs: ["NetworkPolicy": ["KernelNetwork"], "PodRoutes": ["KernelNetwork"], "ServiceLB": ["KernelNetwork"]]),
    Area(
        name: "Nodes",
        controllers: ["NodeLifecycle", "TaintEviction", "PodGC", "NodeIPAM", "TTL", "DeviceTaintEviction"]),
    Area(
        name: "Identity",
        controllers: ["ServiceAccount", "ServiceAccountToken", "RootCA", "SigningRequests", "BootstrapTokens", "LegacyTokens"],
        needs: [
            "SigningRequests": [product("X509", "swift-certificates"), product("SwiftASN1", "swift-asn1")],
            "BootstrapTokens": [product("Crypto", "swift-crypto")],
        ]),
    Area(
        name: "Objects",
        controllers: ["Namespace", "GarbageCollector", "ResourceQuota"]),
    Area(
        name: "Storage",
        controllers: [
            "PersistentVolumeBinder", "VolumeProtection", "EphemeralVolume", "PersistentVolumeExpander", "ProvisionerLocal",
            "AttachDetach",
        ], needs: ["ProvisionerLocal": ["CProjectQuota", "FileSystem"], "AttachDetach": [product("Crypto", "swift-crypto")]]),
]

let plugins: [(library: String, target: Target)] =
    areas.map { ($0.library, $0.target) } + [
        ("scheduler-default", swiftPlugin("SchedulerDefault")),
        ("runtime-cri", swiftPlugin("RuntimeCRI", nio + ["GRPC", "Streaming"])),
        ("runtime-fake", swiftPlugin("RuntimeFake")),
        ("proxy-nftables", swiftPlugin("ProxyNFTables", ["KernelNetwork", "ServiceRules"], exclude: ["Rules"])),
        ("proxy-userspace", swiftPlugin("ProxyUserspace", ["CLinux", "KernelNetwork"])),
        ("example-admission", cPlugin("ExampleAdmission")),
        ("example-controller", cPlugin("ExampleController")),
        ("example-policy", cPlugin("ExamplePolicy")),
        ("policy-binpack", cPlugin("PolicyBinpack")),
        ("policy-gang", swiftPlugin("PolicyGang")),
        ("policy-latency", cPlugin("PolicyLatency")),
    ]

let package = Package(
    name: "apus",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "apus", targets: ["Host"])]
        + plugins.map { .library(name: $0.library, type: .dynamic, targets: [$0.target.name]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CFFI", path: "Sources/CFFI", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CLinux", path: "Sources/CLinux", cSettings: [.unsafeFlags(["-std=gnu11"])]),
        .target(name: "CHash", path: "Sources/CHash", cSettings: c),
        .target(name: "CProjectQuota", path: "Sources/CProjectQuota", cSettings: [.unsafeFlags(["-std=gnu11"])]),
        .systemLibrary(name: "CNFTables", path: "Sources/CNFTables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CISAL", path: "Sources/CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .target(name: "PluginAPI", path: "Sources/PluginAPI", exclude: ["plugin.map", "RATIONALE.md"], cSettings: c),
        .target(
            name: "CatalogueData", path: "Sources/CatalogueData",
            exclude: [
                "catalogue.txt", "cri.txt", "csi.txt", "descriptions.txt", "devices.txt", "fields.txt", "kms.txt", "metrics.txt",
                "plugins.txt",
                "unserved.txt",
            ],
            cSettings: [.unsafeFlags(["-Wno-c23-extensions"])]),
        .target(
            name: "CSimdJSON", path: "Sources/CSimdJSON", cxxSettings: [.unsafeFlags(["-std=c++17", "-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),

        module("FileSystem", ["CLinux"]),
        module("KernelNetwork", ["CNFTables"]),
        // Apart from the library of its plugin, so that tests can import it.
        .target(
            name: "ServiceRules", dependencies: ["APIModel", "KernelNetwork", "PluginKit"], path: "Plugins/ProxyNFTables/Rules",
            swiftSettings: swift),
        module("APIModel", ["CatalogueData", "CSimdJSON", "CYAML", product("OrderedCollections", "swift-collections")]),
        module("CEL", ["APIModel", product("OrderedCollections", "swift-collections")]),
        module("Store", ["CHash", "CSQLite", product("Logging", "swift-log")]),
        module(
            "PKI",
            [
                "APIModel", "FileSystem", product("X509", "swift-certificates"), product("Crypto", "swift-crypto"),
                product("CryptoExtras", "swift-crypto"),
                product("SwiftASN1", "swift-asn1"),
            ]),
        module(
            "HTTPServer",
            nio + [
                "Streaming", product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"),
                product("NIOHTTP1", "swift-nio"), product("NIOHTTP2", "swift-nio-http2"), product("NIOHPACK", "swift-nio-http2"),
                product("NIOSSL", "swift-nio-ssl"),
                product("NIOTLS", "swift-nio"), product("Crypto", "swift-crypto"),
            ]),
        module(
            "Containerd",
            ["APIModel", "CLinux", "FileSystem", "PauseProgram", product("Crypto", "swift-crypto"), product("Logging", "swift-log")]),
        .target(name: "PauseProgram", path: "Images/pause", cSettings: [.unsafeFlags(["-std=gnu11"])]),
        module("GRPC", nio + [product("NIOHPACK", "swift-nio-http2"), product("NIOHTTP2", "swift-nio-http2")]),
        module("Streaming", nio + ["CZlib", product("NIOHPACK", "swift-nio-http2"), product("NIOHTTP2", "swift-nio-http2")]),
        module(
            "Client",
            [
                "APIModel", "CLinux", "Exposition", "FileSystem", product("AsyncHTTPClient", "async-http-client"),
                product("DequeModule", "swift-collections"),
                product("HeapModule", "swift-collections"), product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"),
            ]),
        module(
            "APIServer",
            nio + [
                "APIModel", "CEL", "CISAL", "Exposition", "FileSystem", "GRPC", "Store", "Client", "HTTPServer", "PKI", "Streaming",
                product("HTTPTypes", "swift-http-types"),
                product("Logging", "swift-log"), product("DequeModule", "swift-collections"),
                product("OrderedCollections", "swift-collections"), product("X509", "swift-certificates"),
                product("NIOSSL", "swift-nio-ssl"), product("Crypto", "swift-crypto"), product("CryptoExtras", "swift-crypto"),
                product("NIOHTTP1", "swift-nio"),
            ]),
        .target(name: "PluginKit", dependencies: ["PluginAPI", "APIModel"], path: "Sources/PluginKit", swiftSettings: swift),
        module(
            "PluginHost",
            [
                "PluginAPI", "APIModel", "CFFI", "CLinux", "Client", "ELF", "FileSystem", product("Crypto", "swift-crypto"),
                product("Logging", "swift-log"),
            ]),
        module("ELF"),
        module("Exposition"),
        module(
            "Scheduler",
            [
                "Client", "APIModel", "CEL", "Exposition", "PluginHost", "PluginAPI", product("DequeModule", "swift-collections"),
                product("HeapModule", "swift-collections"), product("OrderedCollections", "swift-collections"),
                product("Logging", "swift-log"),
            ]),
        module(
            "ControllerManager",
            [
                "Client", "APIModel", "Exposition", "PluginHost", "PluginAPI", product("DequeModule", "swift-collections"),
                product("Logging", "swift-log"),
            ]),
        module(
            "Kubelet",
            nio + [
                "CLinux", "Client", "APIModel", "FileSystem", "GRPC", "PluginHost", "PluginAPI", "HTTPServer", "Streaming", "PKI",
                product("OrderedCollections", "swift-collections"),
                product("Logging", "swift-log"), product("HTTPTypes", "swift-http-types"), product("NIOSSL", "swift-nio-ssl"),
            ]),
        module(
            "Proxy",
            [
                "Client", "APIModel", "HTTPServer", "PluginHost", "PluginAPI", product("HTTPTypes", "swift-http-types"),
                product("Logging", "swift-log"),
            ]),
        module(
            "DNS",
            nio + [
                "APIModel", "Client", product("DequeModule", "swift-collections"), product("HashTreeCollections", "swift-collections"),
                product("OrderedCollections", "swift-collections"), product("Logging", "swift-log"),
            ]),
        module(
            "PluginConformance",
            [
                "PluginAPI", "CLinux", "APIModel", "APIServer", "Client", "FileSystem", "PKI", "PluginHost", "Store",
                product("Logging", "swift-log"),
            ]),
        .executableTarget(
            name: "Host",
            dependencies: [
                "PluginConformance", "APIModel", "Store", "Client", "Containerd", "HTTPServer", "PKI", "APIServer", "PluginHost",
                "Scheduler", "ControllerManager", "Kubelet",
                "DNS", "Proxy", "CLinux",
                "ELF", "Exposition", "FileSystem", "Streaming", product("NIOPosix", "swift-nio"),
                product("ArgumentParser", "swift-argument-parser"), product("Crypto", "swift-crypto"),
                product("OrderedCollections", "swift-collections"),
                product("Logging", "swift-log"), product("HTTPTypes", "swift-http-types"), product("NIOSSL", "swift-nio-ssl"),
            ],
            path: "Sources/Host", swiftSettings: swift),
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: swift),
        .target(
            name: "TestStorage", dependencies: ["APIModel", "FileSystem", "GRPC"], path: "Tests/TestStorage", swiftSettings: swift),
        tests("ELF"),
        tests("Proxy", ["APIModel", "PluginAPI", "PluginKit", product("Logging", "swift-log")]),
        tests("ServiceRules", ["APIModel", "KernelNetwork", "PluginKit"]),
        tests("DNS", ["APIModel", "APIServer", "Client", "PKI", "Store", product("Logging", "swift-log")]),
        tests(
            "Host",
            [
                "APIModel", "APIServer", "Client", "HTTPServer", "Kubelet", "PKI", "PluginHost", "Store",
                product("ArgumentParser", "swift-argument-parser"), product("Crypto", "swift-crypto"), product("NIOSSL", "swift-nio-ssl"),
                product("Logging", "swift-log"),
            ]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestStorage", "TestSupport"], path: "Tests/EndToEndTests", swiftSettings: swift),
        tests("APIModel", exclude: ["Fixtures"]),
        tests("CEL", ["APIModel"]),
        tests(
            "APIServer",
            [
                "APIModel", "CZlib", "Client", "Exposition", "GRPC", "HTTPServer", "PKI", "Store", "Streaming",
                product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"),
                product("NIOCore", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("OrderedCollections", "swift-collections"), product("X509", "swift-certificates"),
                product("Crypto", "swift-crypto"), product("SwiftASN1", "swift-asn1"),
            ], exclude: ["Fixtures"]),
        tests("Client", ["APIModel", "CLinux", "Exposition", "TestSupport", product("Logging", "swift-log")]),
        tests("PluginKit", ["APIModel", "PluginAPI"]),
        tests("PluginHost", ["APIModel", "PluginAPI", "CLinux", "Client", "TestSupport", product("Logging", "swift-log")]),
        tests(
            "Scheduler",
            [
                "APIModel", "Client", "Exposition", "PluginAPI", "PluginHost", product("Logging", "swift-log"),
                product("OrderedCollections", "swift-collections"),
            ]),
        .testTarget(
            name: "ControllerTests",
            dependencies: [
                "APIModel", "Store", "APIServer", "Client", "FileSystem", "KernelNetwork", "PluginHost", "PluginKit", "ControllerManager",
                "HTTPServer", "PKI", "TestSupport",
                product("Logging", "swift-log"), product("NIOCore", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
                product("OrderedCollections", "swift-collections"), product("X509", "swift-certificates"),
                product("SwiftASN1", "swift-asn1"), product("Crypto", "swift-crypto"),
            ] + areas.flatMap(\.modules).map { .byName(name: $0) },
            path: "Tests/ControllerTests", swiftSettings: swift),
        tests(
            "Kubelet",
            nio + [
                "APIModel", "Client", "FileSystem", "GRPC", "HTTPServer", "PKI", "Streaming", "TestStorage", "TestSupport",
                product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"),
                product("OrderedCollections", "swift-collections"),
            ]),
        tests("Containerd", ["APIModel", "FileSystem", product("Logging", "swift-log")]),
        .testTarget(
            name: "RuntimeTests", dependencies: ["APIModel", "Client", "Containerd", "PluginHost", product("Logging", "swift-log")],
            path: "Tests/RuntimeTests",
            swiftSettings: swift),
        .testTarget(
            name: "PluginConformanceTests",
            dependencies: ["APIModel", "Client", "Containerd", "PluginConformance", "PluginHost", product("Logging", "swift-log")],
            path: "Tests/PluginConformanceTests",
            swiftSettings: swift),
        .testTarget(
            name: "SwapTests",
            dependencies: [
                "APIModel", "Store", "APIServer", "Client", "PluginHost", "ControllerManager", "Kubelet", "Scheduler", "Proxy", "PKI",
                product("Logging", "swift-log"), product("OrderedCollections", "swift-collections"),
            ],
            path: "Tests/SwapTests", swiftSettings: swift),
        .testTarget(
            name: "FuzzTests",
            dependencies: nio + [
                "APIModel", "APIServer", "CEL", "Client", "Containerd", "ControllerManager", "DNS", "ELF", "FileSystem", "HTTPServer",
                "Kubelet",
                "PKI",
                "PluginHost", "Proxy", "Scheduler", "Store", "Streaming", product("Crypto", "swift-crypto"),
                product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"),
                product("OrderedCollections", "swift-collections"), product("SwiftASN1", "swift-asn1"),
                product("X509", "swift-certificates"),
            ],
            path: "Tests/FuzzTests", exclude: ["Finds"], swiftSettings: swift),
        .testTarget(name: "AuthorTests", path: "Tests/AuthorTests", swiftSettings: swift),
        tests("Store", ["CHash", product("Logging", "swift-log")]),
        tests(
            "Streaming",
            nio + ["GRPC", "HTTPServer", "TestSupport", product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log")]),
        tests("PKI", ["APIModel"]),
        .testTarget(name: "RolesTests", dependencies: ["TestSupport"], path: "Tests/RolesTests", swiftSettings: swift),
        tests(
            "HTTPServer",
            nio + [
                "Streaming", product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"), product("NIOSSL", "swift-nio-ssl"),
                product("NIOEmbedded", "swift-nio"),
            ]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "APIModel", "APIServer", "CEL", "CLinux", "Client", "DNS", "HTTPServer", "KernelNetwork", "PKI", "PluginAPI",
                "PluginConformance", "PluginHost", "PluginKit", "Proxy", "Scheduler", "ServiceRules", "Store", "Streaming",
                product("HTTPTypes", "swift-http-types"), product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"),
            ],
            path: "Benchmarks",
            swiftSettings: swift),
    ] + plugins.map(\.target) + areas.flatMap(\.targets)
)
