internal import OrderedCollections

/// What containers can be told of their pod: by variables, and by files.
enum DownwardAPIRules {
    enum Place { case environment, file }

    /// - Parameter source: what holds `fieldRef` and `resourceFieldRef`.
    static func check(_ source: Value, _ place: Place, _ path: FieldPath, _ errors: inout [FieldError]) {
        if !source["fieldRef"].isNull { field(source["fieldRef"], place, path.child("fieldRef"), &errors) }
        if !source["resourceFieldRef"].isNull { resource(source["resourceFieldRef"], place, path.child("resourceFieldRef"), &errors) }
    }

    /// One file of a volume. Upstream names the volume's source, not the file's place in it.
    static func file(_ file: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        if file["path"].isEmpty { errors.append(.required(path.child("path"))) }
        Constraint.ownPath(file["path"], path.child("path"), &errors)
        check(file, .file, path, &errors)
        switch (file["fieldRef"].isNull, file["resourceFieldRef"].isNull) {
        case (true, true): errors.append(.required(path, "one of fieldRef and resourceFieldRef is required"))
        case (false, false):
            errors.append(.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
        default: break
        }
        if let mode = file["mode"].int, !(0...0o777).contains(mode) {
            errors.append(.invalid(path.child("mode"), file["mode"], "must be a number between 0 and 0777 (octal), both inclusive"))
        }
    }

    private static func field(_ reference: Value, _ place: Place, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (name, field) = (reference["fieldPath"].string ?? "", path.child("fieldPath"))
        if let version = reference["apiVersion"].string, version != "v1" {
            errors.append(.invalid(field, .string(name), "error converting fieldPath: unsupported pod version: \(version)"))
            return
        }
        if name.isEmpty {
            errors.append(.required(field))
            return
        }
        if name.hasSuffix("']"), let bracket = name.firstRange(of: "['") {
            let (list, key) = (String(name[..<bracket.lowerBound]), String(name[bracket.upperBound...].dropLast(2)))
            switch list {
            case "metadata.labels": Constraint.add(Names.qualifiedName(key), .string(key), path, &errors)
            case "metadata.annotations":
                Constraint.add(Names.qualifiedName(key.lowercased()), .string(key.lowercased()), path, &errors)
            default:
                let message = "error converting fieldPath: field label does not support subscript: \(name)"
                errors.append(.invalid(field, .string(name), message))
            }
            return
        }
        // An old name of the same.
        let current = name == "spec.host" ? "spec.nodeName" : name
        if !known.contains(current) {
            errors.append(.invalid(field, .string(name), "error converting fieldPath: field label not supported: \(name)"))
        } else if !fields(place).contains(current) {
            errors.append(.notSupported(field, .string(current), fields(place)))
        }
    }

    private static func resource(_ reference: Value, _ place: Place, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = reference["resource"].string ?? ""
        if place == .file, reference["containerName"].isEmpty {
            errors.append(.required(path.child("containerName")))
        } else if name.isEmpty {
            errors.append(.required(path.child("resource")))
        } else if !resources.contains(name), !isOfHugePages(name) {
            errors.append(.notSupported(path.child("resource"), .string(name), resources))
        }
        guard let divisor = reference["divisor"].quantity, divisor.signum != 0 else { return }
        let (isCPU, field) = (name.hasSuffix(".cpu"), path.child("divisor"))
        let words =
            isCPU ? "cpu" : name.hasSuffix(".memory") ? "memory" : isOfHugePages(name) ? "hugepages" : "local ephemeral storage"
        if isCPU, !["1m", "1"].contains("\(divisor)") {
            errors.append(.invalid(field, .string(name), "only divisor's values 1m and 1 are supported with the cpu resource"))
        } else if !isCPU, resources.contains(name) || isOfHugePages(name), !sizes.contains("\(divisor)") {
            let list = sizes.joined(separator: ", ")
            errors.append(.invalid(field, .string(name), "only divisor's values \(list) are supported with the \(words) resource"))
        }
    }

    private static func isOfHugePages(_ name: String) -> Bool {
        name.hasPrefix("limits.hugepages-") || name.hasPrefix("requests.hugepages-")
    }

    private static func fields(_ place: Place) -> [String] {
        switch place {
        case .environment:
            [
                "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
                "status.hostIPs", "status.podIP", "status.podIPs",
            ]
        case .file: ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"]
        }
    }

    /// Fields that can be named at all, whether or not a place has a use for them.
    private static let known = Set(fields(.environment) + fields(.file) + ["spec.restartPolicy", "spec.schedulerName", "status.phase"])

    private static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory",
    ]

    private static let sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
}
