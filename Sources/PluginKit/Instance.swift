internal import APIModel
internal import PluginAPI

/// What a slot's `self` points to: retained by `create`, released by `destroy`. Each kind of component has a subclass that knows its
/// protocol.
class Instance {
    private let component: any Component

    init(_ component: any Component) { self.component = component }

    func start() throws { try component.start() }
    func stop() { component.stop() }
}

/// A table that lives as long as the process.
struct Constant<Table>: @unchecked Sendable {
    // Sendable because nobody writes to the table after it was made.
    let pointer: UnsafePointer<Table>
}

func constant<Table>(_ table: Table) -> Constant<Table> {
    let pointer = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return Constant(pointer: UnsafePointer(pointer))
}

/// A name that lives as long as the process.
func constant(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    pointer.initialize(from: bytes, count: bytes.count)
    return UnsafePointer(pointer)
}
