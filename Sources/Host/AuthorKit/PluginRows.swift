internal import APIModel

/// Plugin objects as `kubectl get plugins` shows them, and why one does not run.
enum PluginRows {
    /// - Parameter isWide: with the columns of `-o wide`; otherwise the reason alone is added to the narrow ones.
    static func table(_ objects: [Value], isWide: Bool) -> TextTable {
        guard let resource = Catalogue.builtin.resource(GroupVersionResource.plugins) else {
            preconditionFailure("the catalogue has no plugins")
        }
        let table = Table.render(
            objects, resource: resource, includeObject: .none, listMetadata: .null, now: Timestamp.parse(Timestamp.now())?.seconds ?? 0)
        let columns = table["columnDefinitions"].elements
        let shown = columns.indices.filter { isWide || columns[$0]["priority"].int == 0 || columns[$0]["name"].string == "Reason" }
        return TextTable(
            head: shown.map { (columns[$0]["name"].string ?? "").uppercased() },
            rows: table["rows"].elements.map { row in shown.map { text(row["cells"][$0]) } })
    }

    private static func text(_ cell: Value) -> String { cell.string ?? cell.int.map(String.init) ?? "" }
}
