/// What a pod's status may say. Upstream: `ValidatePodStatusUpdate`.
enum PodStatusRules {
    static func check(_ new: Value, old: Value) -> [FieldError] {
        var errors = PodUpdateRules.annotations(new, old: old)
        let (status, before) = (new["status"], old["status"])
        conditions(status["conditions"].elements, &errors)
        nomination(status, before, isBound: !old["spec"]["nodeName"].isEmpty, &errors)
        if let generation = status["observedGeneration"].int, generation < 0 {
            errors.append(.invalid("status.observedGeneration", .int(generation), "must be a non-negative integer"))
        }
        if status["qosClass"] != before["qosClass"] { errors.append(.invalid("status.qosClass", status["qosClass"], "field is immutable")) }
        addresses(status["podIPs"], old: before["podIPs"], "status.podIPs", &errors)
        let host = status["hostIPs"][0]["ip"]
        if !host.isNull, host != status["hostIP"] { errors.append(.invalid("status.hostIPs[0].ip", host, "must be equal to `hostIP`")) }
        addresses(status["hostIPs"], old: before["hostIPs"], "status.hostIPs", &errors)
        return errors
    }

    private static func conditions(_ conditions: [Value], _ errors: inout [FieldError]) {
        for (index, condition) in conditions.enumerated() {
            let path = FieldPath("status.conditions").index(index)
            if let generation = condition["observedGeneration"].int, generation < 0 {
                errors.append(.invalid(path.child("observedGeneration"), .int(generation), "must be a non-negative integer"))
            }
            let type = condition["type"].string ?? ""
            Constraint.add(Names.qualifiedName(type), .string(type), path.child("Type"), &errors)
        }
    }

    private static func nomination(_ status: Value, _ before: Value, isBound: Bool, _ errors: inout [FieldError]) {
        let (path, name) = (FieldPath("status.nominatedNodeName"), status["nominatedNodeName"].string ?? "")
        guard !name.isEmpty, status["nominatedNodeName"] != before["nominatedNodeName"] else { return }
        Constraint.add(Names.dnsSubdomain(name), .string(name), path, &errors)
        if isBound { errors.append(.forbidden(path, "may not be set on pods that are already bound to a node")) }
    }

    /// One of each family at most. What was let in once stays.
    private static func addresses(_ list: Value, old: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (texts, known) = (list.elements.map { $0["ip"].string ?? "" }, old.elements.map { $0["ip"].string ?? "" })
        for (index, text) in texts.enumerated() where !known.contains(text) && IPLiteral.bytes(text) == nil {
            Constraint.add(Names.ip(text), .string(text), path.index(index), &errors)
        }
        guard texts.count > 1 else { return }
        let isPair = Set(texts.compactMap { IPLiteral.bytes($0)?.count }).count == 2
        if !isPair || texts.count > 2 { errors.append(.invalid(path, list, "may specify no more than one IP for each IP family")) }
    }
}
