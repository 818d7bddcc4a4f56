internal import CFFI

/// A function's signature as libffi wants it. Made once, kept for ever, read only.
final class CallInterface: @unchecked Sendable {
    // Sendable because nothing changes after `init`.
    let cif: UnsafeMutablePointer<ffi_cif>

    /// libffi refuses only a signature that is wrong, which is ours.
    init(_ signature: Signature) {
        let types = UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>.allocate(capacity: max(1, signature.arguments.count))
        for (index, argument) in signature.arguments.enumerated() { (types + index).initialize(to: argument.ffi) }
        cif = .allocate(capacity: 1)
        cif.initialize(to: ffi_cif())
        guard ffi_prep_cif(cif, FFI_DEFAULT_ABI, UInt32(signature.arguments.count), signature.result.ffi, types) == FFI_OK else {
            preconditionFailure("libffi does not take the signature of \(signature.name)")
        }
    }

    /// Calls `function`. `result` takes a register.
    func call(_ function: UnsafeRawPointer, _ arguments: Arguments, result: UnsafeMutablePointer<Int64>) {
        ffi_call(cif, unsafeBitCast(function, to: (@convention(c) () -> Void).self), result, arguments.values)
    }

    /// Makes a C function of this signature that calls `handler` with `object`, which it keeps for ever. libffi refuses only for want of
    /// executable memory.
    func makeFunction(
        _ object: AnyObject,
        _ handler:
            @convention(c) (
                UnsafeMutablePointer<ffi_cif>?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
                UnsafeMutableRawPointer?
            ) -> Void
    ) -> UnsafeMutableRawPointer {
        var code: UnsafeMutableRawPointer?
        guard let memory = ffi_closure_alloc(MemoryLayout<ffi_closure>.size, &code), let code else {
            preconditionFailure("libffi has no memory for a function")
        }
        let status = ffi_prep_closure_loc(
            memory.assumingMemoryBound(to: ffi_closure.self), cif, handler, Unmanaged.passRetained(object).toOpaque(), code)
        guard status == FFI_OK else { preconditionFailure("libffi makes no function") }
        return code
    }
}
