import APIModel

/// APIServices are named for what they serve, and say whom to believe only where there is somebody else.
struct APIServiceStrategy: Strategy {
    func prepareForCreate(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws { object["status"] = .emptyObject }

    func validate(_ object: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        if target.subresource == "status" { return [] }
        let spec = object["spec"]
        let (group, version) = (spec["group"].string ?? "", spec["version"].string ?? "")
        var errors: [FieldError] = []
        let name = object[path: "metadata", "name"].string ?? ""
        if name != "\(version).\(group)" {
            errors.append(
                .invalid("metadata.name", .string(name), "must be `spec.version+\".\"+spec.group`: \"\(version).\(group)\""))
        }
        if group.isEmpty, version != "v1" {
            errors.append(.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
        }
        func priority(_ field: String, upTo most: Int64) {
            let value = (spec[field].int ?? 0).int64
            if value <= 0 || value > most {
                errors.append(.invalid(FieldPath("spec").child(field), .int(value), "must be positive and less than \(most)"))
            }
        }
        priority("groupPriorityMinimum", upTo: 20000)
        priority("versionPriority", upTo: 1000)
        let (bundle, skips) = (spec["caBundle"].string ?? "", spec["insecureSkipTLSVerify"].bool ?? false)
        guard case .object = spec["service"] else {
            if !bundle.isEmpty {
                let size = Base64.decode(bundle)?.count ?? bundle.utf8.count
                errors.append(.invalid("spec.caBundle", .string("\(size) bytes"), "local APIServices may not have a caBundle"))
            }
            if skips {
                errors.append(.invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify"))
            }
            return errors
        }
        for field in ["namespace", "name"] where (spec[path: "service", field].string ?? "").isEmpty {
            errors.append(.required(FieldPath("spec").child("service").child(field), ""))
        }
        let port = (spec[path: "service", "port"].int ?? 443).int64
        if !(1...65535).contains(port) {
            errors.append(
                .invalid("spec.service.port", .int(port), "port is not valid: must be between 1 and 65535, inclusive"))
        }
        if skips, !bundle.isEmpty {
            errors.append(.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"))
        }
        return errors
    }
}
