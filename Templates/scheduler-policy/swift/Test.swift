internal import APIModel
internal import PluginKit

/// The policy on three Nodes: an empty one, a full one, and one in between.
@main
struct Test {
    static func main() throws {
        let host = TestHost()
        let policy = Headroom(host.host, config: .emptyObject)
        let nodes = TestNodes([.init("empty", cpu: 4000), .init("full", cpu: 4000, requestedCPU: 3700), .init("between", cpu: 4000, requestedCPU: 2000)])

        let outcome = try nodes.filter(policy, cpu: 1000)
        check(outcome.left == ["empty", "between"], "the full Node is refused")
        check(outcome.reasons == ["Too little cpu in reserve": ["full"]], "and told why")

        let points = try nodes.score(policy, cpu: 1000)
        check(points["empty"] == 75 && points["between"] == 25, "free cpu is worth points")
        check(points["full"] == 0, "none are less than zero")
        print("test: ok")
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
