internal import PluginAPI

/// The arguments of one call to a host function, by position. Argument 0 is the context, which nobody reads: the function itself knows whom
/// it was made for.
struct CallFrame {
    fileprivate let arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private func load<T>(_ index: Int, as type: T.Type) -> T { arguments[index].unsafelyUnwrapped.load(as: type) }

    func int32(_ index: Int) -> Int32 { load(index, as: Int32.self) }
    func bytes(_ index: Int) -> [UInt8] { load(index, as: apus_borrowed.self).array }
    func string(_ index: Int) -> String { load(index, as: apus_borrowed.self).string }
    func pointer<T>(_ index: Int, to type: T.Type) -> UnsafePointer<T> {
        UnsafePointer(load(index, as: UnsafeRawPointer.self).assumingMemoryBound(to: type))
    }
    func mutablePointer<T>(_ index: Int, to type: T.Type) -> UnsafeMutablePointer<T> {
        load(index, as: UnsafeMutableRawPointer.self).assumingMemoryBound(to: type)
    }
    /// As `pointer`, for an argument that may be null.
    func optionalPointer<T>(_ index: Int, to type: T.Type) -> UnsafePointer<T>? {
        load(index, as: UnsafeRawPointer?.self).map { UnsafePointer($0.assumingMemoryBound(to: type)) }
    }

    /// What is wrong with the structures that the caller lent; `nil` for nothing.
    fileprivate func misuse(of slot: SlotDescriptor) -> String? {
        for (index, shape) in slot.arguments.enumerated() {
            let (name, size): (String, Int)
            switch shape {
            case .structure(let layout, _): (name, size) = (layout.name, layout.size)
            case .callbacks(let callbacks, _): (name, size) = (callbacks.name, callbacks.size)
            case .sink: (name, size) = (Signatures.sink.name, Signatures.sink.size)
            default: continue
            }
            guard let structure = load(index, as: UnsafeRawPointer?.self) else { continue }
            if let problem = Sized.problem(name, structure, size) { return problem }
        }
        return nil
    }
}

/// What a host function answers.
enum CallResult {
    case nothing
    case status(apus_status)
    case pointer(UnsafeRawPointer?)
}

/// A C function made at run time for one component, so that the host knows who calls without trusting an argument.
///
/// Never freed: a library is never unmapped, and a thread of it that outlives `stop` may still call.
struct HostFunction {
    /// The address to put into a table.
    let code: UnsafeMutableRawPointer

    private final class Handler: Sendable {
        let call: @Sendable (CallFrame) -> CallResult
        init(_ call: @escaping @Sendable (CallFrame) -> CallResult) { self.call = call }
    }

    init(_ slot: SlotDescriptor, _ call: @escaping @Sendable (CallFrame) -> CallResult) {
        code = slot.interface.makeFunction(Handler(call)) { _, result, arguments, handler in
            let handler = Unmanaged<Handler>.fromOpaque(handler.unsafelyUnwrapped).takeUnretainedValue()
            switch handler.call(CallFrame(arguments: arguments.unsafelyUnwrapped)) {
            case .nothing: break
            // libffi wants a small result widened to a register.
            case .status(let status): result?.storeBytes(of: Int64(status), as: Int64.self)
            case .pointer(let pointer): result?.storeBytes(of: pointer, as: UnsafeRawPointer?.self)
            }
        }
    }
}

/// A table of host functions, in the order of the descriptor's slots. Lives as long as the process.
///
/// A call with a structure that does not say its size is a FAULT, and `onMisuse` hears of it.
func hostTable(
    _ descriptor: TableDescriptor, _ calls: [@Sendable (CallFrame) -> CallResult], onMisuse: @escaping @Sendable (String) -> Void = { _ in }
) -> UnsafeRawPointer {
    precondition(calls.count == descriptor.slots.count, "there is not one function for each slot of \(descriptor.id)")
    let table = UnsafeMutableRawPointer.allocate(byteCount: descriptor.size, alignment: 8)
    table.storeBytes(of: UInt64(descriptor.size), as: UInt64.self)
    for (index, (slot, call)) in zip(descriptor.slots, calls).enumerated() {
        let function = HostFunction(slot) { frame in
            guard let problem = frame.misuse(of: slot) else { return call(frame) }
            onMisuse("\(slot.name): \(problem)")
            return slot.result == .void ? .nothing : .status(APUS_FAULT)
        }
        table.storeBytes(of: function.code, toByteOffset: descriptor.offset(of: index), as: UnsafeMutableRawPointer.self)
    }
    return UnsafeRawPointer(table)
}
