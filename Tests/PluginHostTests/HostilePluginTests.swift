import APIModel
import Foundation
import Testing

@testable import PluginHost

/// A plugin that tries to get at the host, at other plugins, at the machine: what each try gets, by the kind of the plugin.
@Suite struct HostilePluginTests {
    /// What one try must get: alike for policies and controllers, then for proxies and runtimes where they need more.
    struct Row: Sendable {
        var name: String
        var few: String
        var proxy: String
        var runtime: String?

        /// - Parameter runtime: `nil` where it is in the same root as the host, and gets what root gets there.
        init(_ name: String, _ few: String, proxy: String? = nil, runtime: String?) {
            self.name = name
            self.few = few
            self.proxy = proxy ?? few
            self.runtime = runtime
        }

        init(_ name: String, _ all: String) { self.init(name, all, runtime: all) }
    }

    static let rows = [
        // Files: there are none but the library's own.
        Row("constructor_reads_shadow", "ENOENT", runtime: nil),
        Row("read_shadow", "ENOENT", runtime: nil),
        Row("read_password_file", "ENOENT", runtime: "ok"),
        Row("read_host_file", "ENOENT", runtime: "ok"),
        Row("through_init", "ENOENT", runtime: nil),
        Row("through_parents", "ENOENT", runtime: "ok"),
        Row("own_executable", "ENOENT", runtime: "ok"),
        Row("kernel_memory", "ENOENT", runtime: nil),
        Row("enter_cgroup", "ENOENT", runtime: nil),
        Row("enter_memory_cgroup", "ENOENT", runtime: nil),
        Row("write_root", "EROFS", runtime: nil),
        Row("write_library", "EROFS", runtime: "ENOENT"),
        Row("by_handle", "EPERM"),
        Row("write_sysctl", "ENOENT", proxy: "EROFS", runtime: nil),
        Row("list_root", "lib lib64 plugin.so usr", proxy: "lib lib64 plugin.so proc usr", runtime: nil),
        // The kernel, mounts and namespaces.
        Row("make_device", "EPERM", runtime: "EPERM"),
        Row("mount_proc", "EPERM"), Row("unmount_root", "EPERM"), Row("open_mount", "EPERM"), Row("new_file_system", "EPERM"),
        Row("change_root", "EPERM"), Row("pivot", "EPERM"), Row("new_users", "EPERM"), Row("new_mounts", "EPERM"),
        Row("join_namespace", "EPERM"), Row("clone_users", "EPERM"), Row("clone_in_other_words", "ENOSYS"),
        Row("keys", "EPERM"), Row("add_key", "EPERM"), Row("load_program", "EPERM"), Row("fault_handler", "EPERM"), Row("ring", "EPERM"),
        Row("counters", "EPERM"), Row("load_module", "EPERM"), Row("load_kernel", "EPERM"), Row("restart", "EPERM"),
        Row("swap_on", "EPERM"), Row("kernel_log", "EPERM"), Row("set_clock", "EPERM"), Row("rename_host", "EPERM"),
        Row("old_personality", "EPERM", runtime: "ok"),
        Row("name", "victim", runtime: nil),
        // Other processes: it sees none.
        Row("signal_host", "ESRCH"), Row("signal_everyone", "ESRCH"), Row("limits_of_host", "ESRCH"),
        Row("trace_host", "EPERM"), Row("read_memory", "EPERM"), Row("write_memory", "EPERM"),
        Row("open_process", "EPERM", runtime: "ESRCH"),
        Row("shared_segment", "EPERM", runtime: "ENOENT"), Row("message_queue", "EPERM", runtime: "ENOENT"),
        // Programs: a runtime's work.
        Row("fork_once", "EPERM", runtime: "ok"), Row("run_program", "EPERM", runtime: "ENOENT"),
        Row("spawn_program", "EPERM", runtime: "ok"),
        // The network: a proxy's and a runtime's work, the first without any daemon's socket.
        Row("connect_api", "EPERM", proxy: "ok", runtime: "ok"), Row("connect_containerd", "EPERM", runtime: "ENOENT"),
        Row("netlink", "EPERM", proxy: "ok", runtime: "ok"), Row("packets", "EPERM"), Row("raw_socket", "EPERM"),
        Row("machine_socket", "EPERM", runtime: nil), Row("pair", "ok"),
        // Rights and limits.
        Row("become_root", "EPERM", runtime: "ok"), Row("join_group", "EPERM"), Row("take_capabilities", "EPERM"),
        Row("be_dumpable", "EPERM", runtime: "ok"), Row("outlive_host", "EPERM", runtime: "ok"), Row("raise_files", "EPERM"),
        Row("raise_memory", "EPERM"), Row("first_of_all", "EPERM", runtime: "EACCES"), Row("real_time", "EPERM"),
        Row("lock_memory", "EPERM", runtime: nil),
        Row("use_memory", "ENOMEM"), Row("memory_file", "EPERM", runtime: "ok"), Row("start_threads", "EAGAIN"),
        Row("write_descriptors", "1 2"), Row("open_descriptors", "0 1 2 6"),
    ]

    @Test(arguments: ["policy", "controller", "proxy", "runtime"]) func getsNothing(_ component: String) throws {
        let kinds = ["policy": "SchedulerPolicy", "controller": "Controller", "proxy": "Proxy", "runtime": "Runtime"]
        let workshop = try Workshop()
        let secret = "\(workshop.directory)/secret"
        try "secret".write(toFile: secret, atomically: true, encoding: .utf8)
        let server = try LoopbackPort()
        let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        defer { word.deallocate() }
        let error = try #require(throws: PluginError.self) {
            _ = try IsolatedFixture(
                "hostile", as: "victim", in: workshop,
                [
                    "kind": .string(kinds[component]!), "component": .string(component), "limits": ["processes": 60, "memory": "600Mi"],
                    "config": [
                        "pid": .int(Int64(getpid())), "port": .int(Int64(server.port)), "path": .string(secret),
                        "address": .int(Int64(UInt(bitPattern: word))),
                    ],
                ])
        }
        let lines = error.message.split(separator: "\n").map { $0.replacing("create answered FAULT: ", with: "") }
        let found = Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
            })
        for row in Self.rows {
            let expected = component == "runtime" ? row.runtime : component == "proxy" ? row.proxy : row.few
            if let expected { #expect(found[row.name] == expected, "\(component), \(row.name)") }
        }
        #expect(Set(found.keys).subtracting(Self.rows.map(\.name)).subtracting(["other_numbers"]) == [], "every try has its row")
        if let answer = found["other_numbers"] { #expect(answer == "EPERM") }
    }

    /// The host goes on listening, and everybody else goes on running.
    @Test func memoryThatIsSharedCountsToo() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("hoards", in: workshop, ["limits": ["memory": "32Mi"]])
        defer { plugin.end() }
        try plugin.instance.start()
        let text = plugin.reconcile("now").text
        #expect(
            text
                == "plugin hoards used more memory than its limit of 32Mi, with all that the system keeps for it, and was ended by signal 9 (SIGKILL)"
        )
        try plugin.awaitRestart()
        #expect(plugin.reconcile("any").status == 0)
    }
}

/// A port of 127.0.0.1 where somebody listens.
private final class LoopbackPort {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) + listen(descriptor, 8) + getsockname(descriptor, address, &size)
            }
        }
        try #require(status == 0)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
