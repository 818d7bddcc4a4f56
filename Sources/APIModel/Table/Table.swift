internal import OrderedCollections

/// Objects as rows of cells, which is what `kubectl get` asks for: `meta.k8s.io/v1, Kind=Table`.
public enum Table {
    /// What each row carries beside its cells.
    public enum IncludeObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// - Parameters:
    ///   - listMetadata: `{resourceVersion, continue, remainingItemCount}` of the list, or the metadata's resourceVersion of the one
    ///     object.
    ///   - now: seconds since 1970, for ages.
    ///   - around: called for each object; has its row made, or answers `nil` for one whose name alone is shown.
    public static func render(
        _ objects: [Value], resource: ResourceType, includeObject: IncludeObject, listMetadata: Value, now: Whole,
        around: (_ object: Value, _ row: () -> Value) -> Value? = { $1() }
    ) -> Value {
        [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": listMetadata.isNull ? .emptyObject : listMetadata,
            "columnDefinitions": columns(resource),
            "rows": .array(
                objects.map { object in
                    around(object) { row(object, resource: resource, includeObject: includeObject, now: now) } ?? bareRow(object, resource)
                }),
        ]
    }

    /// The `columnDefinitions` of every table of the resource. A watch sends them with its first event only.
    public static func columns(_ resource: ResourceType) -> Value {
        .array(
            resource.columns.map { column in
                [
                    "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
                    "description": .string(column.description),
                    "priority": .int(Int64(column.priority)),
                ]
            })
    }

    /// The columns of `resource` that neither a printer nor a path fills; such a column would stay blank for every object.
    static func unprinted(_ resource: ResourceType) -> [String] {
        let printed = Printers.printers["\(resource.group)/\(resource.kind)"]?(.emptyObject, PrintContext(now: 0)) ?? [:]
        return resource.columns.filter {
            $0.jsonPath == nil && printed[$0.name] == nil && !["Name", "Age", "Created At"].contains($0.name)
        }.map(\.name)
    }

    /// With the object's name, and nothing that has to be worked out.
    private static func bareRow(_ object: Value, _ resource: ResourceType) -> Value {
        let name = object["metadata"]["name"]
        return [
            "cells": .array(resource.columns.map { $0.name == "Name" ? name : "<unknown>" }),
            "object": ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]],
        ]
    }

    private static func row(_ object: Value, resource: ResourceType, includeObject: IncludeObject, now: Whole) -> Value {
        let context = PrintContext(now: now)
        let printed = Printers.printers["\(resource.group)/\(resource.kind)"]?(object, context) ?? [:]
        let cells = resource.columns.map { column -> Value in
            if let path = column.jsonPath { return JSONPath.cell(object, path, type: column.type, context) }
            if let cell = printed[column.name] { return cell }
            switch column.name {
            case "Name": return .string(object["metadata"]["name"].string ?? "")
            case "Age": return .string(context.since(object["metadata"]["creationTimestamp"]))
            case "Created At": return .string(object["metadata"]["creationTimestamp"].string ?? "")
            default: return .string("")
            }
        }
        var row: Value = ["cells": .array(cells)]
        switch includeObject {
        case .none: row["object"] = .null
        case .metadata: row["object"] = ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]]
        case .object: row["object"] = object
        }
        if resource.kind == "Pod", resource.group.isEmpty, let condition = finished[object["status"]["phase"].string ?? ""] {
            row["conditions"] = [condition]
        }
        return row
    }

    private static let finished: [String: Value] = [
        "Succeeded": ["type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."],
        "Failed": ["type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."],
    ]
}

/// The moment a table is made for.
struct PrintContext {
    var now: Whole

    /// The age of a timestamp: `5m`, `<unknown>` where there is none.
    func since(_ time: Value) -> String {
        guard let instant = time.string.flatMap({ Timestamp.parse($0) }) else { return "<unknown>" }
        return HumanDuration.text(seconds: now - instant.seconds)
    }
}
