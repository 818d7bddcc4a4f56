internal import APIModel
internal import PluginKit

/// The controller against a host in memory.
@main
struct Test {
    static func main() throws {
        let test = TestHost([["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "blue"]]])
        let controller = Labeller(test.host, config: .emptyObject)
        let key = Key(resource: "v1/namespaces", name: "blue")

        check(try controller.reconcile(key) == .done, "the Namespace is done")
        check(test[.namespaces, name: "blue"]?["metadata"]["labels"][Labeller.label].string == "true", "it has the label")
        check(test.logged == ["info: labelled blue"], "the log says so")

        _ = try controller.reconcile(key)
        check(test.writes == 1, "what is right already is not written again")

        check(try controller.reconcile(Key(resource: "v1/namespaces", name: "gone")) == .done, "a Namespace that is gone is no error")
        print("test: ok")
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
