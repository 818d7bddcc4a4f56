internal import PluginAPI

/// Calls the slots of `apus_component` in one child, as anybody calls a table. When the child is gone they answer with the reason.
struct LifeCycleCalls: Sendable {
    private let plugin: String
    private let imported: ImportedTable

    init(_ plugin: String, _ peer: Peer, present: [Bool]) {
        self.plugin = plugin
        imported = ImportedTable(Signatures.component, present: present)
        imported.connect(peer)
    }

    private typealias Create =
        @convention(c) (UnsafeRawPointer, UnsafeRawPointer?, apus_borrowed, UnsafeMutableRawPointer?, UnsafePointer<apus_sink>) ->
        apus_status
    private typealias Start = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<apus_sink>) -> apus_status
    private typealias End = @convention(c) (UnsafeMutableRawPointer?) -> Void

    /// Nil where the child's component has no such slot.
    private func slot<Function>(_ index: Int, as type: Function.Type) -> Function? {
        imported.table.load(fromByteOffset: Signatures.component.offset(of: index), as: UnsafeRawPointer?.self).map {
            unsafeBitCast($0, to: type)
        }
    }

    func create(_ config: [UInt8]) throws(PluginError) {
        var sentence = Collector()
        let status = config.withBorrowed { config in
            // Its host structure and the place for its `self` are in the child.
            sentence.collect { slot(0, as: Create.self)?(imported.table, nil, config, nil, $0) ?? APUS_FAULT }
        }
        guard status == APUS_OK else {
            throw PluginError(.initFailed, plugin: plugin, "create answered \(statusName(status)): \(sentence.text)")
        }
    }

    func start() throws(PluginError) {
        var sentence = Collector()
        let status = sentence.collect { slot(1, as: Start.self)?(imported.me, $0) ?? APUS_OK }
        guard status == APUS_OK else {
            throw PluginError(.startFailed, plugin: plugin, "start answered \(statusName(status)): \(sentence.text)")
        }
    }

    func stop() { slot(2, as: End.self)?(imported.me) }
    func destroy() { slot(3, as: End.self)?(imported.me) }
}
