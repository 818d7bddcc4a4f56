internal import OrderedCollections

extension TypeRules {
    static let pod: [String: Rule] = [
        "core.v1.PodSpec": { spec, path, errors in
            let containers = spec["containers"].elements
            if containers.isEmpty { errors.append(.required(path.child("containers"))) }
            TypeRules.unique(spec["volumes"].elements, "name", path.child("volumes"), &errors)
            containerNames(spec, path, &errors)
            mounts(spec, path, &errors)
            devices(spec, path, &errors)
            hostPorts(spec, path, &errors)
            hostSharing(spec, path, &errors)
            PodResourceRules.check(spec, path, &errors)
            sleeps(spec, path, &errors)
            for (index, container) in spec["initContainers"].elements.enumerated() {
                initContainer(container, path.child("initContainers").index(index), &errors)
            }
            for list in ["containers", "ephemeralContainers"] {
                for (index, container) in spec[list].elements.enumerated() where container["image"].isEmpty {
                    errors.append(.required(path.child(list).index(index).child("image")))
                }
            }
            ephemeralTargets(spec, path.child("ephemeralContainers"), &errors)
            dns(spec, path.child("dnsConfig"), &errors)
            if let os = spec["os"]["name"].string, !os.isEmpty {
                if os != "linux", os != "windows" { errors.append(.notSupported(path.child("os"), .string(os), ["linux", "windows"])) }
            } else if !spec["os"].isNull {
                errors.append(.required(path.child("os", "name")))
            }
            hostnameOverride(spec, path, &errors)
            files(spec, path, &errors)
            if spec["shareProcessNamespace"].bool == true, spec["hostPID"].bool == true {
                errors.append(
                    .invalid(path.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled"))
            }
            gates(spec["schedulingGates"].elements, path.child("schedulingGates"), &errors)
            TypeRules.unique(spec["resourceClaims"].elements, "name", path.child("resourceClaims"), &errors)
            claims(spec, path, &errors)
            spreading(spec["topologySpreadConstraints"].elements, path.child("topologySpreadConstraints"), &errors)
        },
        "core.v1.PodResourceClaim": { claim, path, errors in
            let message: String
            switch (claim["resourceClaimName"].isNull, claim["resourceClaimTemplateName"].isNull) {
            case (true, true): message = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            case (false, false):
                message = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            default: return
            }
            let zero: GoStructure.Zero = ["name": "", "resourceClaimName": .null, "resourceClaimTemplateName": .null]
            errors.append(.invalid(path, GoStructure.show(claim, zero: zero), message))
        },
        "core.v1.PodAffinityTerm": { term, path, errors in
            let key = term["topologyKey"].string ?? ""
            if key.isEmpty { errors.append(.required(path.child("topologyKey"), "can not be empty")) }
            Constraint.add(Names.qualifiedName(key), .string(key), path.child("topologyKey"), &errors)
        },
        "core.v1.PodTemplateSpec": { template, path, errors in
            Constraint.labels(template["metadata"]["labels"], path.child("labels"), &errors)
            ObjectMetaRules.annotations(template["metadata"]["annotations"], path.child("annotations"), &errors)
            PodAnnotations.check(template["metadata"]["annotations"], template["spec"], path.child("annotations"), &errors)
            if template["spec"].isNull { errors.append(.required(path.child("spec", "containers"))) }
            if !template["spec"]["ephemeralContainers"].isEmpty {
                errors.append(.forbidden(path.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template"))
            }
        },
        "core.v1.Toleration": { toleration, path, errors in
            let key = toleration["key"].string ?? ""
            let symbol = toleration["operator"].string ?? ""
            if key.isEmpty, symbol != "Exists" {
                errors.append(
                    .invalid(
                        path.child("operator"), .string(symbol),
                        "operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
            }
            if !toleration["tolerationSeconds"].isNull, toleration["effect"].string != "NoExecute" {
                errors.append(
                    .invalid(
                        path.child("effect"), toleration["effect"].isNull ? "" : toleration["effect"],
                        "effect must be 'NoExecute' when `tolerationSeconds` is set"))
            }
            switch symbol {
            case "", "Equal":
                if let value = toleration["value"].string {
                    Constraint.add(Names.labelValue(value), .string(value), path.child("operator"), &errors)
                }
            case "Exists":
                if !toleration["value"].isEmpty {
                    errors.append(.invalid(path.child("operator"), toleration["value"], "value must be empty when `operator` is 'Exists'"))
                }
            case "Lt", "Gt":
                if Int64(toleration["value"].string ?? "") == nil {
                    errors.append(
                        .invalid(path.child("value"), toleration["value"], "value must be an integer when `operator` is '\(symbol)'"))
                }
            default: errors.append(.notSupported(path.child("operator"), .string(symbol), ["Equal", "Exists"]))
            }
        },
        "core.v1.TopologySpreadConstraint": { constraint, path, errors in
            if !constraint["minDomains"].isNull, constraint["whenUnsatisfiable"].string != "DoNotSchedule" {
                errors.append(
                    .invalid(
                        path.child("minDomains"), constraint["minDomains"],
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(constraint["whenUnsatisfiable"].string ?? "")"))
            }
            if constraint["maxSkew"].isNull { errors.append(.invalid(path.child("maxSkew"), 0, "must be greater than zero")) }
            if !constraint["matchLabelKeys"].isEmpty, constraint["labelSelector"].isNull {
                errors.append(.forbidden(path.child("matchLabelKeys"), "must not be specified when labelSelector is not set"))
            }
        },
    ]

    /// An ephemeral container looks into one that is there.
    private static func ephemeralTargets(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let names = ["containers", "initContainers"].flatMap { spec[$0].elements.compactMap { $0["name"].string } }
        for (index, container) in spec["ephemeralContainers"].elements.enumerated() {
            guard let name = container["targetContainerName"].string, !name.isEmpty, !names.contains(name) else { continue }
            errors.append(.notFound(path.index(index).child("targetContainerName"), .string(name)))
        }
    }

    private static func containerNames(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                guard let name = container["name"].string, !name.isEmpty else { continue }
                if !seen.insert(name).inserted { errors.append(.duplicate(path.child(list).index(index).child("name"), .string(name))) }
            }
        }
    }

    private static func mounts(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let volumes = Set(spec["volumes"].elements.compactMap { $0["name"].string })
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let field = path.child(list).index(index).child("volumeMounts")
                var paths: Set<String> = []
                for (number, mount) in container["volumeMounts"].elements.enumerated() {
                    let (name, place) = (mount["name"].string ?? "", field.index(number).child("name"))
                    if name.isEmpty { errors.append(.required(place)) }
                    if !volumes.contains(name) { errors.append(.notFound(place, .string(name))) }
                    // Upstream does not say which of the mounts it is.
                    for path in ["subPath", "subPathExpr"] { Constraint.relativePath(mount[path], field.child(path), &errors) }
                    if let target = mount["mountPath"].string, !target.isEmpty, !paths.insert(target).inserted {
                        errors.append(.invalid(field.index(number).child("mountPath"), .string(target), "must be unique"))
                    }
                }
            }
        }
    }

    /// Volumes that a container has as a device and not as a directory: those of claims.
    private static func devices(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let volumes = Dictionary(
            spec["volumes"].elements.map { ($0["name"].string ?? "", !$0["persistentVolumeClaim"].isNull || !$0["ephemeral"].isNull) },
            uniquingKeysWith: { first, _ in first })
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let field = path.child(list).index(index).child("volumeDevices")
                let mounts = container["volumeMounts"].elements
                var (names, paths): (Set<String>, Set<String>) = ([], [])
                for (number, device) in container["volumeDevices"].elements.enumerated() {
                    let place = field.index(number)
                    let (name, target) = (device["name"].string ?? "", device["devicePath"].string ?? "")
                    func refuse(_ field: String, _ text: String, _ why: String) {
                        errors.append(.invalid(place.child(field), .string(text), why))
                    }
                    if name.isEmpty { errors.append(.required(place.child("name"))) }
                    if names.contains(name) { refuse("name", name, "must be unique") }
                    switch volumes[name] {
                    case true?: break
                    case false?:
                        refuse("name", name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
                    case nil: errors.append(.notFound(place.child("name"), .string(name)))
                    }
                    if target.isEmpty { errors.append(.required(place.child("devicePath"))) }
                    if paths.contains(target) { refuse("devicePath", target, "must be unique") }
                    if target.split(separator: "/").contains("..") {
                        refuse("devicePath", target, "can not contain backsteps ('..')")
                    } else {
                        paths.insert(target)
                    }
                    if mounts.contains(where: { $0["name"].string == name }) {
                        refuse("name", name, "must not already exist in volumeMounts")
                    }
                    if mounts.contains(where: { $0["mountPath"].string == target }) {
                        refuse("devicePath", target, "must not already exist as a path in volumeMounts")
                    }
                    if !name.isEmpty { names.insert(name) }
                }
            }
        }
    }

    private static func dns(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let config = spec["dnsConfig"]
        if spec["dnsPolicy"].string == "None" {
            if config.isNull {
                errors.append(.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
            } else if config["nameservers"].isEmpty {
                let message = "must provide at least one DNS nameserver when `dnsPolicy` is None"
                errors.append(.required(path.child("nameservers"), message))
            }
        }
        for (field, most, words) in [("nameservers", 3, "nameservers"), ("searches", 32, "search paths")]
        where config[field].elements.count > most {
            errors.append(.invalid(path.child(field), config[field], "must not have more than \(most) \(words)"))
        }
        if config["searches"].elements.reduce(-1, { $0 + 1 + ($1.string?.utf8.count ?? 0) }) > 2048 {
            let message = "must not have more than 2048 characters (including spaces) in the search list"
            errors.append(.invalid(path.child("searches"), config["searches"], message))
        }
        for (index, option) in config["options"].elements.enumerated() where option["name"].isEmpty {
            errors.append(.required(path.child("options").index(index), "must not be empty"))
        }
    }

    private static func gates(_ gates: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, gate) in gates.enumerated() {
            let name = gate["name"].string ?? ""
            Constraint.add(Names.qualifiedName(name), .string(name), path.index(index), &errors)
            if !seen.insert(name).inserted { errors.append(.duplicate(path.index(index), .string(name))) }
        }
    }

    /// Containers use claims that the pod has, each once.
    private static func claims(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let names = Set(spec["resourceClaims"].elements.compactMap { $0["name"].string }.filter { !$0.isEmpty }).sorted()
        for list in ["initContainers", "containers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let field = path.child(list).index(index).child("resources", "claims")
                var seen: Set<String> = []
                for (number, claim) in container["resources"]["claims"].elements.enumerated() {
                    let (name, request) = (claim["name"].string ?? "", claim["request"].string ?? "")
                    guard !name.isEmpty else {
                        errors.append(.required(field.index(number)))
                        continue
                    }
                    let key = request.isEmpty ? name : "\(name)/\(request)"
                    // All of a claim comprises each of its requests.
                    let isTaken = seen.contains(name) || request.isEmpty && seen.contains { $0.hasPrefix("\(name)/") }
                    if isTaken || !seen.insert(key).inserted {
                        errors.append(.duplicate(field.index(number), .string(isTaken ? name : key)))
                    }
                    if !names.contains(name) {
                        let known = names.isEmpty ? " which is empty" : ": " + names.joined(separator: ", ")
                        let message = "must be one of the names in pod.spec.resourceClaims" + known
                        errors.append(FieldError(.notFound, field.index(number), .string(name), message))
                    }
                }
            }
        }
    }

    /// One topology can be spread over once hard and once softly.
    private static func spreading(_ constraints: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, constraint) in constraints.enumerated() {
            let (key, action) = (constraint["topologyKey"], constraint["whenUnsatisfiable"])
            if constraints[(index + 1)...].contains(where: { $0["topologyKey"] == key && $0["whenUnsatisfiable"] == action }) {
                errors.append(
                    .duplicate(
                        path.index(index).child("{topologyKey, whenUnsatisfiable}"),
                        .string("{\(key.string ?? ""), \(action.string ?? "")}")))
            }
        }
    }

    private static func hostnameOverride(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !spec["hostnameOverride"].isNull else { return }
        for (field, isSet) in [("setHostnameAsFQDN", spec["setHostnameAsFQDN"].bool), ("hostNetwork", spec["hostNetwork"].bool)]
        where isSet == true {
            errors.append(.forbidden(path.child("hostnameOverride"), "may not be specified when \(field) is true"))
        }
        if spec["hostnameOverride"].string?.utf8.count ?? 0 > 64 { errors.append(.tooLong(path.child("hostnameOverride"), limit: 64)) }
    }

    /// Variables can be read from files of volumes that are the pod's own.
    private static func files(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let volumes = Dictionary(spec["volumes"].elements.map { ($0["name"].string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                for (number, variable) in container["env"].elements.enumerated() {
                    guard let name = variable["valueFrom"]["fileKeyRef"]["volumeName"].string else { continue }
                    let field = path.child(list).index(index).child("env").index(number).child("valueFrom", "fileKeyRef", "volumeName")
                    guard let volume = volumes[name] else {
                        errors.append(.notFound(field, .string(name)))
                        continue
                    }
                    if volume["emptyDir"].isNull {
                        errors.append(.invalid(field, .string(name), "referenced volume must be of type emptyDir"))
                    }
                }
            }
        }
    }

    /// A hook that sleeps has to end within the pod's time.
    private static func sleeps(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let grace = spec["terminationGracePeriodSeconds"].int else { return }
        for list in ["initContainers", "containers"] {
            for (index, container) in spec[list].elements.enumerated() {
                for hook in ["postStart", "preStop"] {
                    guard let seconds = container["lifecycle"][hook]["sleep"]["seconds"].int, seconds < 0 || seconds > grace else {
                        continue
                    }
                    errors.append(
                        .invalid(
                            path.child(list).index(index).child("lifecycle", hook, "sleep"), .int(seconds),
                            "must be non-negative and less than terminationGracePeriodSeconds (\(grace))"))
                }
            }
        }
    }

    private static func hostPorts(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var used: Set<String> = []
        for (index, container) in spec["containers"].elements.enumerated() {
            for (number, port) in container["ports"].elements.enumerated() {
                guard let host = port["hostPort"].int, host > 0 else { continue }
                let field = path.child("containers").index(index).child("ports").index(number)
                if spec["hostNetwork"].bool == true, host != port["containerPort"].int {
                    errors.append(
                        .invalid(field.child("containerPort"), port["containerPort"], "must match `hostPort` when `hostNetwork` is true"))
                }
                let id = "\(port["protocol"].string ?? "TCP")/\(port["hostIP"].string ?? "")/\(host)"
                if !used.insert(id).inserted { errors.append(.duplicate(field.child("hostPort"), .string(id))) }
            }
        }
    }

    private static func initContainer(_ container: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        if container["image"].isEmpty { errors.append(.required(path.child("image"))) }
        guard container["restartPolicy"].string != "Always" else { return }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where !container[field].isNull {
            errors.append(.forbidden(path.child(field), "may not be set for init containers without restartPolicy=Always"))
        }
    }
}
