import APIModel
import HTTPServer

/// What the query of a connection asks for, as an object: what admission is asked about.
enum ConnectOptions {
    private static let flags = ["stdin", "stdout", "stderr", "tty"]

    static func value(_ target: Target, _ request: Request, _ info: RequestInfo) -> Value {
        guard let kind = target.type.subresource(target.subresource)?.kind else { return .null }
        var options: Value = ["kind": .string(kind.kind), "apiVersion": .string(kind.groupVersion.description)]
        func values(_ name: String) -> [String] { request.query.filter { $0.name == name }.map(\.value) }
        switch target.subresource {
        case "exec", "attach":
            for flag in flags where ["true", "1"].contains(request.query(flag) ?? "") { options[flag] = true }
            if let container = request.query("container"), !container.isEmpty { options["container"] = .string(container) }
            let command = values("command")
            if !command.isEmpty { options["command"] = Value(command) }
        case "portforward":
            let ports = values("ports").compactMap { Whole($0) }.map(Value.int)
            if !ports.isEmpty { options["ports"] = .array(ports) }
        default: options["path"] = .string(info.rest)
        }
        return options
    }
}
