internal import APIModel
internal import PluginKit

/// The policy and three requests: one that is as it should be, one without the label, and a deletion.
@main
struct Test {
    static func main() throws {
        let policy = Labels(TestHost().host, config: .emptyObject)
        let pod: Value = ["metadata": ["name": "cart", "labels": ["app": "cart"]]]
        let notes = AdmissionNotes()

        let new = AdmissionRequest(.create, "v1/pods", name: "cart", object: pod, user: .init(name: "system:serviceaccount:shop:jane"))
        try policy.validate(new, notes)
        guard case .object(let changed) = policy.admit(new, notes) else { fatalError("nothing was changed") }
        check(changed["metadata"]["labels"] == ["app": "cart", "written-by": "jane"], "it says who wrote it")
        check(policy.admit(AdmissionRequest(.create, "v1/pods", object: changed), notes) == .none, "and does so once")
        check(notes.warnings.isEmpty, "there is nothing to warn of")

        let bare = AdmissionRequest(.update, "v1/pods", object: ["metadata": ["name": "cart"]], oldObject: pod)
        check(policy.admit(bare, notes) == .none, "what is there already is left alone")
        do {
            try policy.validate(bare, notes)
            check(false, "an object without the label is refused")
        } catch let denial as Denial {
            check(denial.reason == "every object needs the label app" && denial.code == 403, "and the client told why")
        }

        try policy.validate(AdmissionRequest(.delete, "v1/pods", oldObject: ["metadata": ["name": "cart"]]), notes)
        print("test: ok")
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
