import APIModel

extension QualityOfService {
    init(of pod: Pod) { self.init(spec: pod.spec) }

    /// Where the pods of this class live in the cgroup tree.
    var cgroup: String {
        switch self {
        case .guaranteed: "/kubepods"
        case .burstable: "/kubepods/burstable"
        case .bestEffort: "/kubepods/besteffort"
        }
    }
}
