import Glibc

/// How many files and connections this process may have open.
enum Descriptors {
    /// As much as anybody needs here. Children inherit it, and some of them look at every descriptor that they might have.
    private static let ceiling: rlim_t = 65_536

    /// The soft limit, raised towards the hard one: shells hand down 1024, which a few hundred clients and their watches use up.
    static let limit: Int = {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1024 }
        if limits.rlim_cur < ceiling, limits.rlim_cur < limits.rlim_max {
            var raised = limits
            raised.rlim_cur = min(ceiling, limits.rlim_max)
            // Where it may not be raised the limits adapt to what there is.
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limits = raised }
        }
        return Int(min(limits.rlim_cur, ceiling))
    }()
}
