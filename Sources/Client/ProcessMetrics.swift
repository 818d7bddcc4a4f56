package import Exposition
internal import FileSystem
internal import Glibc

/// What the system knows of this process, as every component tells it.
package enum ProcessMetrics {
    package static func write(to text: inout MetricsText) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        text.family(
            "process_cpu_seconds_total", .counter, "Processor time of the process, its own and the kernel's for it.",
            seconds(usage.ru_utime) + seconds(usage.ru_stime))
        text.family("process_max_fds", .gauge, "How many descriptors may be open.", files.rlim_cur)
        if let open = openFiles { text.family("process_open_fds", .gauge, "How many descriptors are open.", open) }
        guard let fields = fields(of: "/proc/self/stat"), fields.count > 23 else { return }
        // Counted from behind the name, which may have blanks: the state is field 3 of proc(5).
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        if let pages = UInt64(fields[21]) {
            text.family("process_resident_memory_bytes", .gauge, "Memory of the process that is in RAM.", pages &* page)
        }
        if let bytes = UInt64(fields[20]) { text.family("process_virtual_memory_bytes", .gauge, "Addresses that are mapped.", bytes) }
        if let start = Double(fields[19]), let boot = bootTime {
            text.family(
                "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.",
                boot + start / Double(sysconf(Int32(_SC_CLK_TCK))))
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static var openFiles: Int? {
        let names = Files.names(in: "/proc/self/fd")
        // Without the two that this needed.
        return names.isEmpty ? nil : names.count - 2
    }

    /// When the machine began, in seconds since 1970.
    private static let bootTime: Double? = {
        var (now, up) = (timespec(), timespec())
        guard clock_gettime(CLOCK_REALTIME, &now) == 0, clock_gettime(CLOCK_BOOTTIME, &up) == 0 else { return nil }
        return Double(now.tv_sec - up.tv_sec) + Double(now.tv_nsec - up.tv_nsec) / 1e9
    }()

    private static func fields(of path: String) -> [Substring]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") }
    }
}
