internal import PluginAPI

/// The arguments of a call under way, as libffi keeps them: a pointer to each value. Valid during the call.
struct Arguments {
    let values: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    func load<T>(_ index: Int, as type: T.Type) -> T { values[index].unsafelyUnwrapped.load(as: type) }
    func pointer(_ index: Int) -> UnsafeMutableRawPointer? { load(index, as: UnsafeMutableRawPointer?.self) }
    func word(_ index: Int) -> UInt64 { load(index, as: UInt64.self) }
    func int32(_ index: Int) -> Int32 { load(index, as: Int32.self) }
    func bytes(_ index: Int) -> apus_borrowed { load(index, as: apus_borrowed.self) }
}

extension Count {
    /// How many elements an array of this call has.
    func elements(_ arguments: Arguments, enclosing: Arguments?) throws(WireError) -> Int {
        guard let base = (isOfEnclosingCall ? enclosing : arguments)?.pointer(argument) else {
            throw .malformed("an array without the structure that counts it")
        }
        return elements(base)
    }
}
