internal import APIModel
internal import PluginKit

/// The runtime's answers.
@main
struct Test {
    static func main() throws {
        let host = TestHost()
        let runtime = BegunRuntime(host.host, config: .emptyObject)

        let version = try ask(runtime, "Version")
        check(
            version["runtime_name"].string == "{{NAME}}" && version["runtime_api_version"].string == "v1", "the version says what this is")

        let conditions = try ask(runtime, "Status")["status"]["conditions"].elements
        check(conditions.map { $0["type"].string } == ["RuntimeReady", "NetworkReady"], "both conditions are there")
        check(conditions.map { $0["status"].bool ?? false } == [true, false], "no Pod is sent here yet")

        do {
            _ = try runtime.call("RuntimeService/RunPodSandbox", [], timeoutMilliseconds: 0)
            check(false, "what is not there is refused")
        } catch let error as RuntimeError {
            check(error.code == .unimplemented && error.message.hasSuffix("RuntimeService/RunPodSandbox"), "the refusal names the method")
        }
        print("test: ok")
    }

    static func ask(_ runtime: BegunRuntime, _ method: String) throws -> Value {
        let type = Catalogue.cri.type(named: method + "Response")
        return try Protobuf.decode(try runtime.call("RuntimeService/\(method)", [], timeoutMilliseconds: 0), as: type!)
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
